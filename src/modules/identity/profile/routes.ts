import { Elysia, t } from "elysia";
import type { Deps } from "../../deps.ts";
import { EXEMPLARS } from "../../exemplars.ts";
import { Fault, notFound } from "../../fault.ts";
import { diskRoom } from "../../files/diskRoom.ts";
import { markUnused, removeNow } from "../../files/unused.ts";
import { answeredBefore, fingerprintedBy, REPLAYED, writeOnce } from "../../http/idempotency.ts";
import { ErrorBody } from "../../http/model.ts";
import { requestContext } from "../../http/request-context.ts";
import { bodyPieces } from "../../http/requestBody.ts";
import { leftToRoute } from "../../http/routePlans.ts";
import { ProfileChange, UploadedImage } from "./model.ts";
import { redraw } from "./picture.ts";
import { editProfile, IMAGES, imageFile, newImageName, setImage } from "./profile.ts";
import { LARGEST_FORM, LARGEST_IMAGE, receiveImage } from "./upload.ts";

/** Describes the body: Elysia does not parse it, so that it has no schema to publish. */
const requestBody = {
  required: true,
  content: {
    "multipart/form-data": {
      schema: {
        type: "object" as const,
        required: ["file"],
        properties: { file: { type: "string" as const, format: "binary", description: "A PNG, JPEG or WebP image" } },
      },
    },
  },
};

/** Keeps browsers from running an uploaded image as anything else. */
const IMAGE_HEADERS = {
  "cache-control": "public, max-age=31536000, immutable",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
  "x-content-type-options": "nosniff",
};
const TYPES: Record<string, string> = { jpg: "image/jpeg", png: "image/png", webp: "image/webp" };
const picture = { schema: { type: "string" as const, format: "binary" } };

/** Name and image of a user. */
export function profileRoutes(deps: Deps) {
  const { store, config, files } = deps;
  const disk = config.s3 === null ? diskRoom(config.dataDir, config.minFreeDiskBytes) : null;
  return new Elysia({ tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/api/auth/upload-profile-image",
      async ({ request, set, context }) => {
        const { userId } = context.principal;
        await disk?.check(LARGEST_IMAGE);
        const given = await receiveImage(request, bodyPieces(context));
        fingerprintedBy(context, given);
        const answered = await answeredBefore<UploadedImage>(deps, context);
        if (answered) {
          set.headers[REPLAYED] = "true";
          return answered;
        }
        const { content, type, extension } = await redraw(given, userId);
        const name = newImageName(extension);
        const file = `profile-images/${name}`;
        const imageUrl = `${config.publicUrl}${IMAGES}/${name}`;
        await store.write((tx) => markUnused(tx, file));
        await files.put(file, content, type);
        let unused: string | null = null;
        const answer = await writeOnce(deps, context, async (tx) => {
          unused = await setImage(tx, userId, imageUrl, file);
          return { success: true, message: "Profile image uploaded", imageUrl };
        });
        // Another request under the same key was faster.
        if (answer.imageUrl !== imageUrl) unused = file;
        if (unused !== null) await removeNow(deps, unused);
        return answer;
      },
      {
        parse: leftToRoute,
        response: { 200: UploadedImage, 503: ErrorBody },
        detail: {
          access: "user",
          limit: "upload",
          idempotent: true,
          body: LARGEST_FORM,
          summary: "Upload Profile Image",
          description:
            "Upload user profile image to S3 and update user record. A form with one PNG, JPEG or WebP image of up to 5 MB in its field `file` (or `image`). The type is detected by the content. Stored without metadata, upright, at most 1024 pixels wide or high; without S3 in the data folder. The previous image is deleted.",
          requestBody,
        },
      },
    )
    .post(
      "/api/auth/edit-profile",
      async ({ body, context }) => {
        const { principal } = context;
        if (body.userId !== principal.userId && principal.role !== "admin")
          throw new Fault("FORBIDDEN", "This user is not you");
        let unused: string | null = null;
        const answer = await writeOnce(deps, context, async (tx) => {
          unused = await editProfile(tx, body);
          return { success: true };
        });
        if (unused !== null) await removeNow(deps, unused);
        return answer;
      },
      {
        body: ProfileChange,
        response: { 200: t.Object({ success: t.Boolean() }) },
        detail: {
          access: "user",
          idempotent: true,
          example: { body: { userId: EXEMPLARS.owner, name: "Nora Wind" } },
          summary: "Update user profile",
          description:
            "Update profile: sets the name; an empty `image` deletes the image. For yourself; admins for any user.",
        },
      },
    )
    .get(
      `${IMAGES}/:name`,
      async ({ params: { name } }) => {
        const file = imageFile(name);
        const content = file && (await files.get(file));
        if (!content) throw notFound("profile image", name);
        return new Response(content, {
          headers: {
            ...IMAGE_HEADERS,
            "content-type": TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream",
            "content-disposition": `inline; filename="${name}"`,
          },
        });
      },
      {
        params: t.Object({ name: t.String({ maxLength: 64, examples: [`${"0".repeat(32)}.png`] }) }),
        detail: {
          access: "public",
          example: { parameters: { name: EXEMPLARS.image } },
          summary: "Get a profile image",
          description: "Public; its address cannot be guessed.",
          responses: {
            200: {
              description: "The image",
              content: { "image/jpeg": picture, "image/png": picture, "image/webp": picture },
            },
            503: { $ref: "#/components/responses/Unavailable" },
          },
        },
      },
    );
}
