import type { ArticleOut } from "@centralita/shared/api";

import { useText } from "../text";
import classes from "./ArticleState.module.css";

export function ArticleState({ state }: { state: ArticleOut["state"] }) {
  const { t } = useText();
  const full = t(`articles.state.${state}`);
  return (
    <span className={classes.state} data-state={state} title={full}>
      {full}
    </span>
  );
}
