import { invalid } from "../../lib/errors.ts";
import { assertCountry } from "../contacts/parse-contact.ts";
import type { ImportJobRow, ImportOptions } from "./jobs.ts";

const MAX_MAPPED_COLUMNS = 500;

type OptionName = "mapping" | "onDuplicate" | "defaultCountry" | "allowActiveElsewhere";

/** Parses the options of an import from the values of a query or a form. @throws AppError INVALID naming the field */
export function parseImportOptions(given: (name: OptionName) => string | undefined): {
  options: ImportOptions;
  onDuplicate: ImportJobRow["onDuplicate"];
} {
  const onDuplicate = given("onDuplicate") || "SKIP";
  if (onDuplicate !== "SKIP" && onDuplicate !== "UPDATE") throw invalid("onDuplicate", "expected SKIP or UPDATE");
  const elsewhere = given("allowActiveElsewhere") || "false";
  if (elsewhere !== "true" && elsewhere !== "false") throw invalid("allowActiveElsewhere", "expected true or false");
  const mapping = given("mapping");
  const defaultCountry = assertCountry(given("defaultCountry") || undefined);
  return {
    onDuplicate,
    options: {
      allowActiveElsewhere: elsewhere === "true",
      ...(mapping ? { mapping: parseMapping(mapping) } : {}),
      ...(defaultCountry ? { defaultCountry } : {}),
    },
  };
}

function parseMapping(text: string): Record<string, string> {
  const expected = 'expected a JSON object from column names to fields, such as {"E-mail": "email"}';
  let mapping: unknown;
  try {
    mapping = JSON.parse(text);
  } catch {
    throw invalid("mapping", expected);
  }
  if (typeof mapping !== "object" || mapping === null || Array.isArray(mapping)) throw invalid("mapping", expected);
  const entries = Object.entries(mapping);
  if (entries.length > MAX_MAPPED_COLUMNS) throw invalid("mapping", `expected at most ${MAX_MAPPED_COLUMNS} columns`);
  const wrong = entries.find(([, field]) => typeof field !== "string");
  if (wrong) throw invalid(`mapping.${wrong[0]}`, "expected the name of a field");
  return Object.fromEntries(entries.map(([column, field]) => [column, String(field)]));
}
