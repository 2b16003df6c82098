/** In which header better-auth is told the address for the session it opens; what it is told is all our own. */
export const ADDRESS_HEADER = "x-session-address";
