import { Button } from "@mantine/core";
import { useState } from "react";

import { dayAndTime } from "../format/time";
import { IconAlertTriangle, IconClock } from "../parts/icons";
import { useNow, Until } from "../parts/Since";
import type { Way } from "../session/ways";
import { useText } from "../text";
import { TemplateDialog } from "./dialogs/TemplateDialog";
import classes from "./WindowHint.module.css";

/** Whether an answer in own words may still go by this way at a time (milliseconds). */
export function isOpen({ window }: Way, now: number): boolean {
  if (!window) return true;
  return [window.closesAt, window.taggedUntil].some((at) => at !== null && Date.parse(at) > now);
}

interface WindowHintProps {
  way: Way;
  conversationId: string;
}

/** For how long the customer may still be answered by this way, what is left after that, and whether it can send at all. */
export function WindowHint({ way, conversationId }: WindowHintProps) {
  const text = useText();
  const { t, word } = text;
  const now = useNow();
  const [choosing, setChoosing] = useState(false);
  const { window, stopped } = way;
  const channel = word("channel", way.channel);
  const closes = window?.closesAt ?? null;
  const within = closes !== null && Date.parse(closes) > now;
  const open = isOpen(way, now);
  return (
    <>
      {stopped && (
        <p className={classes.hint} data-state="stopped">
          <IconAlertTriangle size={16} aria-hidden />
          <span>
            {t("window.stopped", { inbox: way.inboxName, time: dayAndTime(stopped.since, text), why: stopped.reason || stopped.code })}{" "}
            {t(stopped.tries ? "window.stoppedTries" : "window.stoppedWaits")}
          </span>
        </p>
      )}
      {window && (
        <p className={classes.hint} data-state={within ? "open" : open ? "tagged" : "closed"}>
          <IconClock size={16} aria-hidden />
          <span>
            {within && closes ? (
              <>
                {t("window.open", { channel })} <Until at={closes} />
              </>
            ) : open && window.taggedUntil ? (
              t("window.tagged", { channel, time: dayAndTime(window.taggedUntil, text) })
            ) : (
              t(closes === null ? "window.never" : window.templates ? "window.closedTemplates" : "window.closed", { channel })
            )}
          </span>
          {window.templates && (
            <Button size="compact-xs" variant={open ? "subtle" : "filled"} onClick={() => setChoosing(true)}>
              {t("template.choose")}
            </Button>
          )}
        </p>
      )}
      {choosing && <TemplateDialog way={way} conversationId={conversationId} onClose={() => setChoosing(false)} />}
    </>
  );
}
