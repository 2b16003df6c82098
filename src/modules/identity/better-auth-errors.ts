import { Fault, invalid } from "../fault.ts";

interface Refusal {
  statusCode: number;
  body?: { code?: string };
}

/** Recognises errors of better-auth by their shape: importing the class would load the library. */
function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && error.name === "APIError" && "statusCode" in error;
}

/** Converts an expected error of better-auth to an AppError; returns any other unchanged. */
export function faultOf(error: unknown): unknown {
  if (!isRefusal(error)) return error;
  switch (error.body?.code) {
    case "INVALID_EMAIL_OR_PASSWORD":
    case "INVALID_EMAIL":
      return new Fault("UNAUTHENTICATED", "The e-mail address or the password is wrong");
    case "BANNED_USER":
      return new Fault("FORBIDDEN", "This account is banned");
    case "INVALID_PASSWORD":
      return invalid("currentPassword", "this is not your password");
    default:
      return error.statusCode === 401 ? new Fault("UNAUTHENTICATED", "Sign in first") : error;
  }
}
