/** Older than the ids of new rows, so that lists sorted by time do not begin with these. */
const exampleId = (number: number) => `019a8a3e-5a00-7000-8000-${String(number).padStart(12, "0")}`;

/**
 * Ids and addresses of the demo's fixtures, which never change. The examples on the API page use these, so that they work
 * there when they are tried out. In other installations they match nothing.
 */
export const DEMO_IDS = {
  /** The colleague's. */
  image: "0123456789abcdef0123456789abcdef.png",
  adminEmail: "admin@demo.example",
  ownerEmail: "owner@northwind.example",
  /** Owns the brand. */
  owner: exampleId(1),
  /** Owns nothing. */
  colleague: exampleId(2),
  brand: exampleId(3),
  otherBrand: exampleId(4),
  emptyBrand: exampleId(5),
  emailAccount: exampleId(6),
  otherEmailAccount: exampleId(7),
  /** Of the other brand. */
  unusedEmailAccount: exampleId(8),
  spareEmailAccount: exampleId(21),
  voicemailAccount: exampleId(9),
  spareVoicemailAccount: exampleId(23),
  /** Over: all has been said. */
  campaign: exampleId(10),
  runningCampaign: exampleId(11),
  draftCampaign: exampleId(12),
  emptyCampaign: exampleId(13),
  /** Part of the running campaign, with the conversation. */
  contact: exampleId(14),
  loneContact: exampleId(15),
  draftContact: exampleId(16),
  /** Number of contacts in the draft. */
  draftContacts: 25,
  conversation: exampleId(17),
  message: exampleId(22),
  ban: exampleId(18),
  apiKey: exampleId(19),
  /** Its owner's is the admin's to end. */
  spareApiKey: exampleId(24),
  invitation: exampleId(25),
  importJob: exampleId(20),
  /** Of the admin, on another device. */
  session: exampleId(30),
} as const;
