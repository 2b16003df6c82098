import { Elysia, t } from "elysia";
import { brandOf } from "../db/tenant-scope.ts";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { cursorAt, cutPage, readCursor } from "../http/cursor.ts";
import { writeOnce } from "../http/idempotency.ts";
import { Cursor, Id, IdParams, Limit, Nullable } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { timeSlices } from "../timeSlices.ts";
import { changeContact, createContact, getContact, listContacts, removeContact, toContact } from "./contacts.ts";
import { Contact, ContactChange, DefaultCountry, NewContact, SEARCH_RULES, SearchQuery } from "./model.ts";
import { checkCountry } from "./person.ts";
import { searchContacts } from "./search.ts";
import { keptPlace, searchPlace } from "./searchPage.ts";

const OneContact = t.Object({ success: t.Literal(true), contact: Contact });

/** Manages the contacts of a brand. */
export function contactRoutes(deps: Deps) {
  const { store } = deps;
  return new Elysia({ prefix: "/api/contacts", tags: ["Contacts"] })
    .use(requestContext)
    .post(
      "/",
      async ({ body, context }) => {
        const brandId = brandOf(context.principal, body.brandId);
        const country = checkCountry(body.defaultCountry);
        return writeOnce(deps, context, async (tx) => ({
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
            body: { brandId: EXEMPLARS.brand, email: "joan@example.com", firstName: "Joan", company: "Clarke & Co" },
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
          const after = searchPlace(readCursor(query.cursor));
          const pause = () => timeSlices.next(scope.kind === "brand" ? scope.brandId : context.principal.userId);
          const search = { scope, text, after, limit, pause };
          const found = await searchContacts(
            store.read,
            search,
            async (rows) => new Map(rows.map((row) => [row.id, row])),
          );
          return { success: true as const, data: found.items.map(toContact), nextCursor: cursorAt(keptPlace(found)) };
        }
        const rows = await listContacts(store.read, {
          scope,
          after: readCursor(query.cursor)?.[1] ?? null,
          limit: limit + 1,
        });
        const page = cutPage(rows, limit, (row) => [null, row.id]);
        return { success: true as const, data: page.data.map(toContact), nextCursor: page.nextCursor };
      },
      {
        query: t.Object({ cursor: Cursor, limit: Limit, searchQuery: SearchQuery, brandId: t.Optional(Id) }),
        response: t.Object({ success: t.Literal(true), data: t.Array(Contact), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          summary: "List contacts",
          description: `Lists the brand's contacts in the order of creation. Admins get all contacts, or those of \`brandId\`. ${SEARCH_RULES}`,
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
          example: { parameters: { id: EXEMPLARS.contact } },
          summary: "Get a contact",
          description: "Returns one contact with all its fields.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, context }) => {
        const row = await store.write((tx) => changeContact(tx, params.id, context.scope, body));
        return { success: true as const, contact: toContact(row) };
      },
      {
        params: IdParams,
        body: ContactChange,
        response: OneContact,
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.contact }, body: { firstName: "Joanna" } },
          summary: "Update a contact",
          description: "Updates the fields that are given; null clears a field. `custom` is replaced as a whole.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params, context }) => {
        await store.write((tx) => removeContact(tx, params.id, context.scope));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.loneContact } },
          summary: "Delete a contact",
          description: "Returns 409 when a campaign contains the contact.",
        },
      },
    );
}
