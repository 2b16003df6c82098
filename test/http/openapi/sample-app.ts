import { Elysia, t } from "elysia";
import { apiDocs } from "../../../src/http/openapi/docs.ts";
import { ErrorBody } from "../../../src/http/schemas.ts";

const Thing = t.Object(
  {
    name: t.String({ examples: ["Ada"] }),
    owner: t.Union([t.String(), t.Null()]),
    limit: t.Nullable(t.Integer({ minimum: 1 })),
    state: t.Union([t.Literal("ON"), t.Literal("OFF"), t.Null()]),
    note: t.Optional(t.MaybeEmpty(t.String())),
    since: t.Date(),
    tags: t.Record(t.String(), t.Number()),
    span: t.Tuple([t.String(), t.Number()]),
    parent: t.Optional(t.Union([t.Ref("Parent"), t.Null()])),
  },
  { $id: "Thing", title: "A thing", examples: [{ name: "Ada" }] },
);
const Query = t.Object({
  page: t.Optional(t.Integer({ minimum: 1, default: 1 })),
  deep: t.Optional(t.BooleanString()),
  kind: t.Optional(t.Union([t.Literal("a"), t.Literal("b")], { description: "Which" })),
  ids: t.Optional(t.ArrayQuery(t.String())),
});
const Picture = t.Object({
  file: t.Optional(t.File({ type: ["image/png", "image/webp"], maxSize: "5m" })),
  image: t.Optional(t.Files()),
});
const Done = t.Object({ success: t.Literal(true) });
const done = () => ({ success: true as const });

/** Creates an app whose routes cover each case of the OpenAPI document. */
export function createSampleApp(publicUrl = "https://mail.example.org") {
  return new Elysia()
    .use(apiDocs({ publicUrl, version: "1.2.3" }))
    .model({ Parent: t.Object({ name: t.String(), parent: t.Optional(t.Ref("Parent")) }) })
    .use(
      new Elysia({ prefix: "/api/health", tags: ["Health"] }).get("/", () => "well", {
        response: { 200: t.String(), 503: t.Object({ status: t.Literal("ERROR") }) },
        detail: { security: [] },
      }),
    )
    .post("/api/things", done, {
      body: Thing,
      query: Query,
      response: { 200: Done, 201: t.Array(Thing), 204: t.Void(), 402: ErrorBody },
      detail: { tags: ["Brands"], description: "Makes a thing. Then it is there.", access: "admin" },
    })
    .delete("/api/things/:id/find-parts/:part", done, {
      params: t.Object({ id: t.String({ description: "Its id", examples: ["t1"] }) }),
      detail: { operationId: "removePart", summary: "Remove a part" },
    })
    .post("/api/upload-picture", done, { body: Picture, response: Done, detail: { access: "user" } })
    .post("/api/upload_picture", done, { body: Picture, parse: "formdata", response: Done })
    .get("/api/open", done, { detail: { access: "public" } })
    .all("/api/rest/*", done)
    .all("/api/any", done)
    .get("/secret", done, { detail: { hide: true } });
}
