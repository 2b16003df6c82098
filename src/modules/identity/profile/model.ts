import { t } from "elysia";

export const ProfileChange = t.Object({
  name: t.String({ maxLength: 120, examples: ["Ada Lovelace"] }),
  userId: t.String({ maxLength: 64, description: "Your own; for admins any" }),
  image: t.Optional(
    t.String({
      maxLength: 2048,
      description: "The current image, which changes nothing, or an empty text, which deletes it",
      examples: [""],
    }),
  ),
});
export type ProfileChange = typeof ProfileChange.static;

export const UploadedImage = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["Profile image uploaded"] }),
  imageUrl: t.String({ examples: ["http://localhost:3000/api/profile-images/0123456789abcdef0123456789abcdef.jpg"] }),
});
export type UploadedImage = typeof UploadedImage.static;
