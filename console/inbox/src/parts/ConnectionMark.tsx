import { useConnection } from "../live/connection";
import { useText } from "../text";
import classes from "./ConnectionMark.module.css";

/** A quiet dot while all is well; words only when it takes longer than a blink. */
export function ConnectionMark() {
  const { t } = useText();
  const state = useConnection();
  const words = state === "offline" ? t("connection.reconnecting") : t(`connection.${state}`);
  return (
    <span role="status" className={classes.mark} data-state={state} title={words}>
      <span aria-hidden className={classes.dot} />
      <span className={classes.words}>{words}</span>
    </span>
  );
}
