import { Button, TextInput, UnstyledButton } from "@mantine/core";
import type { ConversationOut } from "@centralita/shared/api";
import { useState, type SyntheticEvent } from "react";

import { allowContact } from "../actions/doNotContact";
import { useAct } from "../actions/useAct";
import { dayAndTime } from "../format/time";
import { fieldOf } from "../parts/field";
import { IconBan } from "../parts/icons";
import { useMe } from "../session/me";
import type { Way } from "../session/ways";
import { useText } from "../text";
import classes from "./Forbidden.module.css";
import { wayName } from "./WayPicker";

interface ForbiddenProps {
  way: Way;
  ways: Way[];
  conversation: ConversationOut;
  /** The customer's, where it is known. */
  name: string;
  /** Another way, by its key. */
  choose: (key: string) => void;
}

/** In the place of the text: nobody may write to this address, since when, by whose word, and what can be done. */
export function Forbidden({ way, ways, conversation, name, choose }: ForbiddenProps) {
  const text = useText();
  const { t, word } = text;
  const me = useMe();
  const { act, busy } = useAct(conversation);
  const [lifting, setLifting] = useState(false);
  if (!way.forbidden) return null;
  const { since, how } = way.forbidden;
  const others = ways.filter((other) => other.key !== way.key && other.limits && !other.forbidden);
  const { identityId } = way;

  async function lift(event: SyntheticEvent<HTMLFormElement>) {
    event.preventDefault();
    const reason = fieldOf(event.currentTarget, "reason");
    if (reason && (await act(allowContact, { identityId, reason }))) setLifting(false);
  }

  return (
    <div className={classes.forbidden} role="region" aria-label={t("consent.forbidden")}>
      <p className={classes.what}>
        <IconBan size={18} aria-hidden />
        <span>
          <strong>{t("consent.title", { name: name || t("thread.customer"), way: wayName(way, text) })}</strong>
          <span className={classes.soft}>
            {word("consentHow", how)} · {dayAndTime(since, text)}
          </span>
        </span>
      </p>
      <div className={classes.actions}>
        {others.map((other) => (
          <Button key={other.key} size="compact-sm" variant="light" onClick={() => choose(other.key)}>
            {t("consent.useOther", { way: wayName(other, text) })}
          </Button>
        ))}
        {!lifting && allowContact.available(conversation, me) && (
          <UnstyledButton className={classes.lift} onClick={() => setLifting(true)}>
            {t("consent.lift")}
          </UnstyledButton>
        )}
      </div>
      {lifting && (
        <form className={classes.form} onSubmit={(event) => void lift(event)}>
          <TextInput
            name="reason"
            required
            maxLength={500}
            size="sm"
            label={t("consent.reason")}
            description={t("consent.reasonHint")}
            placeholder={t("consent.reasonPlaceholder")}
            ref={(field) => field?.focus()}
          />
          <div className={classes.actions}>
            <Button size="compact-sm" variant="default" onClick={() => setLifting(false)}>
              {t("action.cancel")}
            </Button>
            <Button size="compact-sm" type="submit" color="red" loading={busy !== null}>
              {t("consent.liftNow")}
            </Button>
          </div>
        </form>
      )}
    </div>
  );
}
