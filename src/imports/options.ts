import { checkCountry } from "../contacts/person.ts";
import { invalid } from "../fault.ts";
import type { ImportJobRow, ImportOptions } from "./jobs.ts";

const MOST_COLUMNS = 500;

type OptionName = "mapping" | "onDuplicate" | "defaultCountry" | "allowActiveElsewhere";

/** Reads how a file is to be imported from the texts of a query or a form; INVALID names what is wrong. */
export function readImportOptions(given: (name: OptionName) => string | undefined): {
  options: ImportOptions;
  onDuplicate: ImportJobRow["onDuplicate"];
} {
  const onDuplicate = given("onDuplicate") || "SKIP";
  if (onDuplicate !== "SKIP" && onDuplicate !== "UPDATE") throw invalid("onDuplicate", "expected SKIP or UPDATE");
  const elsewhere = given("allowActiveElsewhere") || "false";
  if (elsewhere !== "true" && elsewhere !== "false") throw invalid("allowActiveElsewhere", "expected true or false");
  const mapping = given("mapping");
  const defaultCountry = checkCountry(given("defaultCountry") || undefined);
  return {
    onDuplicate,
    options: {
      allowActiveElsewhere: elsewhere === "true",
      ...(mapping ? { mapping: readMapping(mapping) } : {}),
      ...(defaultCountry ? { defaultCountry } : {}),
    },
  };
}

function readMapping(text: string): Record<string, string> {
  const expected = 'expected a JSON object from column names to fields, such as {"E-mail": "email"}';
  let mapping: unknown;
  try {
    mapping = JSON.parse(text);
  } catch {
    throw invalid("mapping", expected);
  }
  if (typeof mapping !== "object" || mapping === null || Array.isArray(mapping)) throw invalid("mapping", expected);
  const entries = Object.entries(mapping);
  if (entries.length > MOST_COLUMNS) throw invalid("mapping", `expected at most ${MOST_COLUMNS} columns`);
  const wrong = entries.find(([, field]) => typeof field !== "string");
  if (wrong) throw invalid(`mapping.${wrong[0]}`, "expected the name of a field");
  return Object.fromEntries(entries.map(([column, field]) => [column, String(field)]));
}
