import { AppError, invalid } from "../../lib/errors.ts";

interface BetterAuthError {
  statusCode: number;
  body?: { code?: string };
}

/** Recognises errors of better-auth by their shape: importing the class would load the library. */
function isBetterAuthError(error: unknown): error is BetterAuthError {
  return error instanceof Error && error.name === "APIError" && "statusCode" in error;
}

/** Converts an expected error of better-auth to an AppError; returns any other unchanged. */
export function toAppError(error: unknown): unknown {
  if (!isBetterAuthError(error)) return error;
  switch (error.body?.code) {
    case "INVALID_EMAIL_OR_PASSWORD":
    case "INVALID_EMAIL":
      return new AppError("UNAUTHENTICATED", "The e-mail address or the password is wrong");
    case "BANNED_USER":
      return new AppError("FORBIDDEN", "This account is banned");
    case "INVALID_PASSWORD":
      return invalid("currentPassword", "this is not your password");
    default:
      return error.statusCode === 401 ? new AppError("UNAUTHENTICATED", "Sign in first") : error;
  }
}
