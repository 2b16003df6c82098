import { Elysia, t } from "elysia";
import {
  findStoredResponse,
  REPLAYED_HEADER,
  runIdempotent,
  setFingerprint,
} from "../../../http/middleware/idempotency.ts";
import { streamBody } from "../../../http/middleware/request-body.ts";
import { DEMO_IDS } from "../../../http/openapi/example-ids.ts";
import { requestContext } from "../../../http/request-context.ts";
import { handlerReadsBody } from "../../../http/route-policies.ts";
import { ErrorBody } from "../../../http/schemas.ts";
import { AppError, notFound } from "../../../lib/errors.ts";
import { watchDiskSpace } from "../../../lib/storage/disk-space.ts";
import type { Deps } from "../../deps.ts";
import { deleteUnusedFile, markUnused } from "../../stored-files/unused-files.ts";
import { ProfileChange, UploadedImage } from "./model.ts";
import { reencode } from "./picture.ts";
import { imageFilePath, newImageName, PROFILE_IMAGES_PATH, setImage, updateProfile } from "./profile.ts";
import { MAX_IMAGE_BYTES, MAX_IMAGE_FORM_BYTES, receiveImage } from "./upload.ts";

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

/** Registers the routes of a user's name and image. */
export function profileRoutes(deps: Deps) {
  const { store, config, files } = deps;
  const disk = config.s3 === null ? watchDiskSpace(config.dataDir, config.minFreeDiskBytes) : null;
  return new Elysia({ tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/api/auth/upload-profile-image",
      async ({ request, set, context }) => {
        const { userId } = context.principal;
        await disk?.assertFree(MAX_IMAGE_BYTES);
        const given = await receiveImage(request, streamBody(context));
        setFingerprint(context, given);
        const answered = await findStoredResponse<UploadedImage>(deps, context);
        if (answered) {
          set.headers[REPLAYED_HEADER] = "true";
          return answered;
        }
        const { content, type, extension } = await reencode(given, userId);
        const name = newImageName(extension);
        const file = `profile-images/${name}`;
        const imageUrl = `${config.publicUrl}${PROFILE_IMAGES_PATH}/${name}`;
        await store.write((tx) => markUnused(tx, file));
        await files.put(file, content, type);
        let unused: string | null = null;
        const answer = await runIdempotent(deps, context, async (tx) => {
          unused = await setImage(tx, userId, imageUrl, file);
          return { success: true, message: "Profile image uploaded", imageUrl };
        });
        // Another request under the same key was faster.
        if (answer.imageUrl !== imageUrl) unused = file;
        if (unused !== null) await deleteUnusedFile(deps, unused);
        return answer;
      },
      {
        parse: handlerReadsBody,
        response: { 200: UploadedImage, 503: ErrorBody },
        detail: {
          access: "user",
          limit: "upload",
          idempotent: true,
          body: MAX_IMAGE_FORM_BYTES,
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
          throw new AppError("FORBIDDEN", "This user is not you");
        let unused: string | null = null;
        const answer = await runIdempotent(deps, context, async (tx) => {
          unused = await updateProfile(tx, body);
          return { success: true };
        });
        if (unused !== null) await deleteUnusedFile(deps, unused);
        return answer;
      },
      {
        body: ProfileChange,
        response: { 200: t.Object({ success: t.Boolean() }) },
        detail: {
          access: "user",
          idempotent: true,
          example: { body: { userId: DEMO_IDS.owner, name: "Nora Wind" } },
          summary: "Update user profile",
          description:
            "Update profile: sets the name; an empty `image` deletes the image. For yourself; admins for any user.",
        },
      },
    )
    .get(
      `${PROFILE_IMAGES_PATH}/:name`,
      async ({ params: { name } }) => {
        const file = imageFilePath(name);
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
          example: { parameters: { name: DEMO_IDS.image } },
          summary: "Get a profile image",
          description: "Returns the image. Public; its address cannot be guessed.",
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
