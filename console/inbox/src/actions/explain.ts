import { HubError } from "../api/http";
import type { Text } from "../text";

/** A sentence for an error, in the reader's language; the hub's own rule where it names one. */
export function explain(error: unknown, { t, word }: Text): string {
  if (!(error instanceof HubError)) {
    reportError(error);
    return t("problem.unexpected");
  }
  const { field, rule, error_id } = error.problem;
  if (field && rule) return t("problem.rule", { field, rule });
  if (error_id === "conflict") return t("problem.conflict", { why: error.problem.message });
  return word("problem", error_id === "error" ? "unexpected" : error_id);
}
