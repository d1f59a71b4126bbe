import { Button } from "@mantine/core";
import { IconAlertCircle, IconClock } from "../parts/icons";
import { useQueryClient } from "@tanstack/react-query";

import { broken } from "../actions/explain";
import { discard, send, type Unsent } from "../actions/send";
import { useText } from "../text";
import bubbles from "./Message.module.css";
import classes from "./UnsentMessage.module.css";

/** A message on its way; when it fails it stays, with its reason, until it is sent or discarded. */
export function UnsentMessage({ message }: { message: Unsent }) {
  const text = useText();
  const { t, word } = text;
  const client = useQueryClient();
  const { problem } = message;
  const why = problem?.field && problem.rule ? broken(problem.field, problem.rule, text) : problem && word("problem", problem.id);
  return (
    <div className={bubbles.message} data-tone={message.kind === "note" ? "note" : "agent"} data-side="ours">
      <div className={bubbles.body}>
        <div className={bubbles.bubble} data-unsent={problem ? "failed" : "sending"}>
          <p className={bubbles.text}>{message.text}</p>
          {message.attachments.map(({ id, name }) => (
            <p key={id} className={bubbles.text}>
              {name}
            </p>
          ))}
        </div>
        {problem ? (
          <div className={classes.failed} role="alert">
            <IconAlertCircle size={15} aria-hidden />
            <span>{t("composer.unsent", { why: why ?? "" })}</span>
            <Button size="compact-xs" variant="light" onClick={() => void send(client, message)}>
              {t("composer.retry")}
            </Button>
            <Button size="compact-xs" variant="subtle" color="gray" onClick={() => discard(message.clientId)}>
              {t("composer.discard")}
            </Button>
          </div>
        ) : (
          <p className={bubbles.foot}>
            <IconClock size={14} role="img" aria-label={t("composer.sending")} />
          </p>
        )}
      </div>
    </div>
  );
}
