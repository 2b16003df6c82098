import { Elysia, t } from "elysia";
import { resolveBrandId } from "../../db/tenant-scope.ts";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { paginate, parseCursor, toNextCursor } from "../../http/pagination.ts";
import { requestContext } from "../../http/request-context.ts";
import { CursorQuery, Id, IdParams, Nullable, PageLimit } from "../../http/schemas.ts";
import { timeSlices } from "../../lib/time-slices.ts";
import type { Deps } from "../deps.ts";
import { createContact, deleteContact, getContact, listContacts, toContact, updateContact } from "./contacts.ts";
import { Contact, ContactUpdate, DefaultCountry, NewContact, SEARCH_DESCRIPTION, SearchQuery } from "./model.ts";
import { assertCountry } from "./parse-contact.ts";
import { searchContacts } from "./search.ts";
import { formatSearchCursor, parseSearchCursor } from "./search-cursor.ts";

const OneContact = t.Object({ success: t.Literal(true), contact: Contact });

/** Manages the contacts of a brand. */
export function contactsModule(deps: Deps) {
  const { store } = deps;
  return new Elysia({ prefix: "/api/contacts", tags: ["Contacts"] })
    .use(requestContext)
    .post(
      "/",
      async ({ body, context }) => {
        const brandId = resolveBrandId(context.principal, body.brandId);
        const country = assertCountry(body.defaultCountry);
        return runIdempotent(deps, context, async (tx) => ({
          success: true as const,
          contact: toContact(await createContact(tx, brandId, body, country)),
        }));
      },
      {
        body: t.Composite([NewContact, t.Object({ defaultCountry: DefaultCountry, brandId: t.Optional(Id) })]),
        response: OneContact,
        detail: {
          access: "user",
          idempotent: true,
          example: {
            body: { brandId: DEMO_IDS.brand, email: "joan@example.com", firstName: "Joan", company: "Clarke & Co" },
          },
          summary: "Add a contact",
          description:
            "Requires at least one of email and phone. Returns 409 when the brand already has a contact with one of them (`contactId`), or the person is banned. To add many at once, use `add-contacts` of a campaign.",
        },
      },
    )
    .get(
      "/",
      async ({ query, context }) => {
        const { limit = 20 } = query;
        const scope = context.scopeOf(query.brandId);
        const text = query.searchQuery?.trim();
        if (text) {
          const after = parseSearchCursor(parseCursor(query.cursor));
          const pause = () => timeSlices.next(scope.kind === "brand" ? scope.brandId : context.principal.userId);
          const search = { scope, text, after, limit, pause };
          const found = await searchContacts(
            store.read,
            search,
            async (rows) => new Map(rows.map((row) => [row.id, row])),
          );
          return {
            success: true as const,
            data: found.items.map(toContact),
            nextCursor: toNextCursor(formatSearchCursor(found)),
          };
        }
        const rows = await listContacts(store.read, {
          scope,
          after: parseCursor(query.cursor)?.[1] ?? null,
          limit: limit + 1,
        });
        const page = paginate(rows, limit, (row) => [null, row.id]);
        return { success: true as const, data: page.data.map(toContact), nextCursor: page.nextCursor };
      },
      {
        query: t.Object({ cursor: CursorQuery, limit: PageLimit, searchQuery: SearchQuery, brandId: t.Optional(Id) }),
        response: t.Object({ success: t.Literal(true), data: t.Array(Contact), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          summary: "List contacts",
          description: `Lists the brand's contacts in the order of creation. Admins get all contacts, or those of \`brandId\`. ${SEARCH_DESCRIPTION}`,
        },
      },
    )
    .get(
      "/:id",
      async ({ params, context }) => {
        const row = await getContact(store.read, params.id, context.scope);
        return { success: true as const, contact: toContact(row) };
      },
      {
        params: IdParams,
        response: OneContact,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.contact } },
          summary: "Get a contact",
          description: "Returns one contact with all its fields.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, context }) => {
        const row = await store.write((tx) => updateContact(tx, params.id, context.scope, body));
        return { success: true as const, contact: toContact(row) };
      },
      {
        params: IdParams,
        body: ContactUpdate,
        response: OneContact,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.contact }, body: { firstName: "Joanna" } },
          summary: "Update a contact",
          description: "Updates the fields that are given; null clears a field. `custom` is replaced as a whole.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params, context }) => {
        await store.write((tx) => deleteContact(tx, params.id, context.scope));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.loneContact } },
          summary: "Delete a contact",
          description: "Returns 409 when a campaign contains the contact.",
        },
      },
    );
}
