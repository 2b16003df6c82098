/** The ways to reach a contact. */
export type ChannelName = "EMAIL" | "SMS" | "VOICEMAIL";
