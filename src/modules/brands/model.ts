import { t } from "elysia";
import { Id, Nullable, Timestamp } from "../../http/schemas.ts";

const Name = t.String({ minLength: 1, maxLength: 120, pattern: "\\S", examples: ["Northwind Outreach"] });
const Timezone = t.String({ maxLength: 64, description: "IANA name", examples: ["America/New_York"] });
const PostalAddress = Nullable(t.String({ maxLength: 300, examples: ["1 Main Street, Springfield, IL 62701, USA"] }));

export const NewBrand = t.Object({
  name: Name,
  timezone: t.Optional(Timezone),
  postalAddress: t.Optional(PostalAddress),
  ownerId: t.Optional(
    t.Union([Id, t.Null()], {
      description: "Admins only: the owner's user id. Other users own the brand they create.",
    }),
  ),
});
export type NewBrand = typeof NewBrand.static;

export const BrandUpdate = t.Partial(NewBrand);
export type BrandUpdate = typeof BrandUpdate.static;

export const Brand = t.Object({
  id: Id,
  name: t.String(),
  ownerId: Nullable(t.String()),
  timezone: t.String(),
  postalAddress: Nullable(t.String()),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type Brand = typeof Brand.static;

export const DirectoryQuery = t.Object({
  limit: t.Optional(t.Number({ minimum: 1, maximum: 100, multipleOf: 1, default: 10 })),
  offset: t.Optional(t.Number({ minimum: 0, multipleOf: 1, default: 0 })),
  searchQuery: t.Optional(
    t.String({
      maxLength: 200,
      description: "Part of a brand's or owner's name, an owner's address or a SID",
    }),
  ),
});

export const Directory = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["1 brand"] }),
  brands: t.Array(
    t.Object({
      brandId: t.String(),
      brandName: t.String({ examples: ["Northwind Outreach"] }),
      userId: Nullable(t.String({ description: "The owner's user id" })),
      ownerName: Nullable(t.String({ examples: ["Ada Lovelace"] })),
      ownerEmail: Nullable(t.String({ examples: ["ada@example.com"] })),
      twilioAccountSid: Nullable(t.String()),
      hasTwilioAuthToken: t.Boolean(),
      twillioMessagingServiceSid: Nullable(t.String()),
      voicemailSenderAccounts: t.Array(
        t.Object({
          id: t.String(),
          phoneNumber: t.String({ examples: ["+12025550123"] }),
          displayName: t.String({ examples: ["Northwind Outreach 0123"] }),
          provider: t.String({ examples: ["TWILIO"] }),
          isActive: t.Boolean(),
        }),
      ),
      createdAt: Timestamp,
    }),
  ),
  hasMore: t.Boolean(),
  total: t.Number({ examples: [1] }),
});

const Sid = (description: string) => t.Optional(Nullable(t.String({ maxLength: 64, description })));

export const TwilioSettings = t.Object({
  brandId: Id,
  twilioAccountSid: Sid("AC and 32 hexadecimal digits; null or empty clears it, absent keeps it"),
  twilioAuthToken: t.Optional(
    Nullable(t.String({ maxLength: 128, description: "Never returned; null clears it, empty or absent keeps it" })),
  ),
  twillioMessagingServiceSid: Sid("MG and 32 hexadecimal digits; null or empty clears it, absent keeps it"),
});
