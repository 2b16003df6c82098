/** Older than whatever is made today, so that lists of what is new are not led by these. */
const idOf = (number: number) => `019a8a3e-5a00-7000-8000-${String(number).padStart(12, "0")}`;

/**
 * What the demo has under ids and addresses that never change. The examples on the API page name these, so that they work
 * there when they are tried out. Elsewhere they name nothing.
 */
export const DEMO_IDS = {
  /** The colleague's. */
  image: "0123456789abcdef0123456789abcdef.png",
  adminEmail: "admin@demo.example",
  ownerEmail: "owner@northwind.example",
  /** Owns the brand. */
  owner: idOf(1),
  /** Owns nothing. */
  colleague: idOf(2),
  brand: idOf(3),
  otherBrand: idOf(4),
  emptyBrand: idOf(5),
  emailAccount: idOf(6),
  otherEmailAccount: idOf(7),
  /** Of the other brand. */
  unusedEmailAccount: idOf(8),
  spareEmailAccount: idOf(21),
  voicemailAccount: idOf(9),
  spareVoicemailAccount: idOf(23),
  /** Over: all has been said. */
  campaign: idOf(10),
  runningCampaign: idOf(11),
  draftCampaign: idOf(12),
  emptyCampaign: idOf(13),
  /** Part of the running campaign, with the conversation. */
  contact: idOf(14),
  loneContact: idOf(15),
  draftContact: idOf(16),
  /** How many people are in the draft. */
  draftContacts: 25,
  conversation: idOf(17),
  message: idOf(22),
  ban: idOf(18),
  apiKey: idOf(19),
  /** Its owner's is the admin's to end. */
  spareApiKey: idOf(24),
  invitation: idOf(25),
  importJob: idOf(20),
  /** Of the admin, on another device. */
  session: idOf(30),
} as const;
