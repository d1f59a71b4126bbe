import { HubError } from "../api/http";
import type { Text } from "../text";

/** A sentence for an error, in the reader's language; the hub's own rule where it names one. */
export function explain(error: unknown, text: Text): string {
  const { t, word } = text;
  if (!(error instanceof HubError)) {
    reportError(error);
    return t("problem.unexpected");
  }
  const { field, rule, error_id } = error.problem;
  if (field && rule) return broken(field, rule, text);
  if (error_id === "conflict") return t("problem.conflict", { why: error.problem.message });
  return word("problem", error_id === "error" ? "unexpected" : error_id);
}

/** A field and the rule that it broke: in the reader's language where we have the words, else the hub's own. */
export function broken(field: string, rule: string, { t, known }: Text): string {
  return t("problem.rule", { field: known("field", field) ?? field, rule: known("refusal", rule) ?? rule });
}
