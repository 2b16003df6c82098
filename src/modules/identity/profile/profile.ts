import { and, eq, like, sql } from "drizzle-orm";
import { users } from "../../../db/schema/identity.ts";
import { forUpdate } from "../../../db/sql.ts";
import type { Tx } from "../../../db/store.ts";
import { invalid, notFound } from "../../../lib/errors.ts";
import { markUnused, markUsed } from "../../stored-files/unused-files.ts";
import type { ProfileChange } from "./model.ts";

/** Path of profile images, the same for every file store. */
export const PROFILE_IMAGES_PATH = "/api/profile-images";
const NAME = /^[0-9a-f]{32}\.(jpg|png|webp)$/;
/** Patterns of SQL's `like` for the paths of all images. */
const ADDRESSES = ["jpg", "png", "webp"].map((extension) => `${PROFILE_IMAGES_PATH}/${"_".repeat(32)}.${extension}`);

/** Creates a file name that cannot be guessed. */
export function newImageName(extension: string): string {
  return `${Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("hex")}.${extension}`;
}

/** Returns the path of an image in the file store; null for an invalid name. */
export function imageFilePath(name: string): string | null {
  return NAME.test(name) ? `profile-images/${name}` : null;
}

/** Sets the image of a user. Returns the file that is no longer used, if there is one. */
export async function setImage(tx: Tx, userId: string, url: string, file: string): Promise<string | null> {
  const before = await lockImage(tx, userId);
  await markUsed(tx, file);
  await tx.update(users).set({ image: url, updatedAt: tx.now }).where(eq(users.id, userId));
  return releaseImageFile(tx, before);
}

/**
 * Updates the name of a user, and deletes their image for an empty `image`. A new image can only be uploaded, because a plain
 * address could point anywhere. Returns the file that is no longer used, if there is one.
 */
export async function updateProfile(tx: Tx, { userId, name, image }: ProfileChange): Promise<string | null> {
  if (!name.trim()) throw invalid("name", "expected at least one visible character");
  const before = await lockImage(tx, userId);
  if (image && image !== before) {
    throw invalid("image", "expected the current image or an empty text: upload a new one by upload-profile-image");
  }
  const isRemoved = image === "";
  const change = { name: name.trim(), updatedAt: tx.now, ...(isRemoved ? { image: null } : {}) };
  await tx.update(users).set(change).where(eq(users.id, userId));
  return isRemoved ? releaseImageFile(tx, before) : null;
}

/** Updates the addresses of images after PUBLIC_URL has changed. */
export async function updateImageAddresses(tx: Tx, publicUrl: string): Promise<void> {
  for (const address of ADDRESSES) {
    const rest = sql.raw(`length(image) - ${address.length - 1}`);
    const image = sql<string>`${publicUrl} || substr(image, ${rest})`;
    const moved = and(like(users.image, `%${address}`), sql`${users.image} <> ${image}`);
    await tx.update(users).set({ image }).where(moved);
  }
}

/** Locks the row of a user until the transaction ends; returns their image. @throws AppError NOT_FOUND */
async function lockImage(tx: Tx, userId: string): Promise<string | null> {
  const [row] = await tx.all<{ image: string | null }>(
    sql`select image from users where id = ${userId} ${forUpdate("users")}`,
  );
  if (!row) throw notFound("user", userId);
  return row.image;
}

/** Deletes the image of a user; its file is deleted by the next cleanup. */
export async function deleteImage(tx: Tx, userId: string): Promise<void> {
  await releaseImageFile(tx, await lockImage(tx, userId));
  await tx.update(users).set({ image: null }).where(eq(users.id, userId));
}

async function releaseImageFile(tx: Tx, url: string | null): Promise<string | null> {
  const file = imageFilePath(url?.split("/").at(-1) ?? "");
  if (file) await markUnused(tx, file);
  return file;
}
