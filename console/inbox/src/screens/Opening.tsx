import { Loader } from "@mantine/core";

import { useText } from "../text";
import classes from "./Opening.module.css";

export function Opening() {
  const { t } = useText();
  return (
    <div className={classes.opening}>
      <Loader role="status" aria-label={t("pane.loading")} />
    </div>
  );
}
