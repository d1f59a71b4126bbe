import { Button, Skeleton } from "@mantine/core";
import { IconCloudOff, type Icon } from "./icons";
import type { ReactNode } from "react";

import { explain } from "../actions/explain";
import { useText } from "../text";
import classes from "./Pane.module.css";

export function Empty({ icon: Sign, title, hint, children }: EmptyProps) {
  return (
    <div className={classes.middle}>
      <Sign size={36} stroke={1.4} aria-hidden className={classes.sign} />
      <p className={classes.title}>{title}</p>
      {hint && <p className={classes.hint}>{hint}</p>}
      {children}
    </div>
  );
}

interface EmptyProps {
  icon: Icon;
  title: string;
  hint?: string | undefined;
  children?: ReactNode;
}

/** A pane that could not be loaded says why and offers to try again; the rest of the screen goes on. */
export function Failed({ error, again }: { error: unknown; again: () => void }) {
  const text = useText();
  return (
    <div role="alert" className={classes.middle}>
      <IconCloudOff size={36} stroke={1.4} aria-hidden className={classes.sign} />
      <p className={classes.title}>{text.t("pane.failed")}</p>
      <p className={classes.hint}>{explain(error, text)}</p>
      <Button variant="light" onClick={again}>
        {text.t("pane.again")}
      </Button>
    </div>
  );
}

/** Grey lines where rows will be. `lines` is how many. */
export function Loading({ lines, height = 44 }: { lines: number; height?: number }) {
  const { t } = useText();
  return (
    <div role="status" aria-label={t("pane.loading")} className={classes.loading}>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={height} width={`${100 - ((line * 17) % 30)}%`} radius="md" />
      ))}
    </div>
  );
}
