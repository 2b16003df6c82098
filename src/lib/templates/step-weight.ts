import { type Template, type Token, Value } from "liquidjs";
import { countWords } from "./template-size.ts";

/** A branch of `if` and `unless` has a value, a branch of `case` a list of values. */
interface Branch {
  value?: unknown;
  values?: Token[];
}

/**
 * Counts the words of code that one rendering of an output or tag evaluates, without those of nested templates. For a tag with
 * branches all conditions count, because the last one is evaluated after the others.
 */
export function countStepWords(template: Template): number {
  const { branches = [] } = template as { branches?: Branch[] };
  const [, ...later] = branches;
  // The first condition of `if` is part of the tag itself; a `when` is not.
  const counted = branches[0]?.values ? branches : later;
  return counted.reduce((sum, branch) => sum + countBranchWords(branch), countWords(template.token.getText()));
}

function countBranchWords({ value, values = [] }: Branch): number {
  if (!(value instanceof Value)) return countTokenWords(values);
  const filterWords = value.filters.map(({ args }) => {
    const tokens = args.flatMap((arg) => (Array.isArray(arg) ? (arg[1] ?? []) : arg));
    return 2 + args.length + countTokenWords(tokens);
  });
  return filterWords.reduce((sum, words) => sum + words, countTokenWords(value.initial.postfix));
}

function countTokenWords(tokens: readonly Token[]): number {
  return tokens.reduce((sum, token) => sum + 1 + countWords(token.getText()), 0);
}
