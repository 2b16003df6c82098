import { t } from "elysia";
import { Id, Moment, Nullable } from "../http/model.ts";

const Name = t.String({ minLength: 1, maxLength: 120, pattern: "\\S", examples: ["Northwind Outreach"] });
const Timezone = t.String({ maxLength: 64, description: "IANA name", examples: ["America/New_York"] });
const PostalAddress = Nullable(t.String({ maxLength: 300, examples: ["1 Main Street, Springfield, IL 62701, USA"] }));

export const NewBrand = t.Object({
  name: Name,
  timezone: t.Optional(Timezone),
  postalAddress: t.Optional(PostalAddress),
  ownerId: t.Optional(
    t.Union([Id, t.Null()], { description: "Admins only: the user who owns it. Others own what they create." }),
  ),
});
export type NewBrand = typeof NewBrand.static;

export const BrandChange = t.Partial(NewBrand);
export type BrandChange = typeof BrandChange.static;

export const Brand = t.Object({
  id: Id,
  name: t.String(),
  ownerId: Nullable(t.String()),
  timezone: t.String(),
  postalAddress: Nullable(t.String()),
  createdAt: Moment,
  updatedAt: Moment,
});
export type Brand = typeof Brand.static;
