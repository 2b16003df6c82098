import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { flag } from "../../../support/pictures.ts";
import { type ProfileApp, startProfileApp } from "./profile-app.ts";

setDefaultTimeout(30_000);

let people: ProfileApp;
let [ann, bob, admin] = ["", "", ""];
let [annId, bobId] = ["", ""];
beforeAll(async () => {
  people = await startProfileApp(null);
  [ann, bob] = [await people.app.signUp("ann@owners.example"), await people.app.signUp("bob@owners.example")];
  admin = await people.app.admin();
  [annId, bobId] = [(await people.user(ann)).id, (await people.user(bob)).id];
});
afterAll(() => people.close());

test("POST edit-profile: users edit their own profile (others get 403), admins edit any profile", async () => {
  expect(await people.edit(ann, { name: " Ann ", userId: annId })).toMatchObject({ status: 200, success: true });
  expect(await people.user(ann)).toMatchObject({ name: "Ann", image: null });
  expect(await people.edit(admin, { name: "Robert", userId: bobId })).toMatchObject({ status: 200 });
  expect(await people.user(bob)).toMatchObject({ name: "Robert" });

  for (const userId of [bobId, "unknown", ""]) {
    expect(await people.edit(ann, { name: "Eve", userId })).toMatchObject({ status: 403, code: "FORBIDDEN" });
  }
  expect(await people.user(bob)).toMatchObject({ name: "Robert" });
  expect(await people.edit(admin, { name: "Eve", userId: "unknown" })).toMatchObject({ status: 404 });
  expect(await people.edit("unknown", { name: "Eve", userId: annId })).toMatchObject({ status: 401 });
});

test("POST edit-profile: the image is either the present one or empty, and any other address answers 422", async () => {
  const { imageUrl } = await people.upload(ann, flag);
  const { imageUrl: ofBob } = await people.upload(bob, flag);
  const edit = (image: string) => people.edit(ann, { name: "Ann", userId: annId, image });
  expect(await edit(imageUrl)).toMatchObject({ status: 200 });
  for (const image of ["https://elsewhere.example/me.png", ofBob, "javascript:alert(1)", `${imageUrl}?`, " "]) {
    expect(await edit(image)).toMatchObject({ status: 422, code: "INVALID", details: [{ field: "image" }] });
  }
  expect(await people.user(ann)).toMatchObject({ image: imageUrl });
  expect((await people.see(imageUrl)).status).toBe(200);
  // Omit the image: the present one is kept.
  await people.edit(ann, { name: "Ann", userId: annId });
  expect(await people.user(ann)).toMatchObject({ image: imageUrl });

  expect(await edit("")).toMatchObject({ status: 200 });
  expect(await people.user(ann)).toMatchObject({ image: null });
  expect((await people.see(imageUrl)).status).toBe(404);
  expect(await edit("")).toMatchObject({ status: 200 });
  expect(await edit(imageUrl)).toMatchObject({ status: 422 });
  expect((await people.see(ofBob)).status).toBe(200);
});

test.each<[string, object]>([
  ["name", {}],
  ["name", { name: "  " }],
  ["name", { name: 1 }],
  ["name", { name: "x".repeat(121) }],
  ["name", { name: "a\0b" }],
  ["image", { name: "Ann", image: null }],
])("POST edit-profile: the invalid field %s is named for the body %p", async (field, body) => {
  expect(await people.edit(ann, { userId: annId, ...body })).toMatchObject({ status: 422, details: [{ field }] });
});

test("POST edit-profile: a repeated request with one Idempotency-Key is replayed and changes nothing", async () => {
  const key = { "idempotency-key": "edit-1" };
  await people.edit(ann, { name: "First", userId: annId }, key);
  await people.edit(ann, { name: "Second", userId: annId });
  const again = await people.edit(ann, { name: "First", userId: annId }, key);
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  expect(await people.user(ann)).toMatchObject({ name: "Second" });
});
