import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { ConversationOut } from "@centralita/shared/api";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { explain } from "../actions/explain";
import * as hub from "../api/hub";
import { keys, offersQuery } from "../api/queries";
import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { useText } from "../text";
import classes from "./Offers.module.css";

/** What I am asked to take, with the time that is left. */
export function Offers() {
  return may(useMe(), "converse") ? <Open /> : null;
}

function Open() {
  const { t } = useText();
  const me = useMe();
  const { data } = useQuery(offersQuery);
  const mine = data?.items.filter((row) => row.offered_to === me.id) ?? [];
  return (
    <section aria-label={t("offer.title")} aria-live="assertive" className={classes.offers}>
      {mine.map((row, place) => (
        <Offer key={`${row.id} ${row.offered_until ?? ""}`} row={row} first={place === 0} />
      ))}
    </section>
  );
}

/** The `first` one is answered by keys. */
function Offer({ row, first }: { row: ConversationOut; first: boolean }) {
  const text = useText();
  const { t, word } = text;
  const client = useQueryClient();
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const seconds = useSecondsLeft(row.offered_until ?? null);

  async function answer(accepts: boolean) {
    setBusy(true);
    try {
      await (accepts ? hub.acceptOffer(row.id) : hub.declineOffer(row.id));
      if (accepts) {
        await navigate({ to: "/$view/$conversationId", params: { view: "mine", conversationId: row.id }, search: {} });
      }
    } catch (error) {
      notifications.show({ message: explain(error, text), color: "yellow" });
    } finally {
      setBusy(false);
      void client.invalidateQueries({ queryKey: keys.offers });
    }
  }

  const answers = useRef(answer);
  useEffect(() => {
    answers.current = answer;
  });
  // With Alt: they work from any field, and nobody accepts by typing.
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const key = event.code === "KeyA" ? true : event.code === "KeyD" ? false : null;
      if (!first || key === null || !event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
      event.preventDefault();
      void answers.current(key);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [first]);

  if (seconds <= 0) return null;
  return (
    <div className={classes.offer}>
      <p className={classes.words}>
        <strong>
          {t("offer.text", { name: row.contact.name || t("list.nobody"), channel: word("channel", row.channel) })}
        </strong>
        {/* Read out once, not every second. */}
        <span aria-live="off" className={classes.left}>
          {t("offer.left", { seconds })}
        </span>
      </p>
      <Button size="sm" loading={busy} aria-keyshortcuts={first ? "Alt+A" : undefined} title={first ? t("offer.keys") : undefined} onClick={() => void answer(true)}>
        {t("offer.accept")}
      </Button>
      <Button size="sm" variant="default" disabled={busy} aria-keyshortcuts={first ? "Alt+D" : undefined} onClick={() => void answer(false)}>
        {t("offer.decline")}
      </Button>
    </div>
  );
}

function useSecondsLeft(until: string | null): number {
  const left = () => (until === null ? 0 : Math.max(0, Math.ceil((Date.parse(until) - Date.now()) / 1_000)));
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    const timer = setInterval(() => setSeconds(left()), 250);
    return () => clearInterval(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `left` is made of `until`
  }, [until]);
  return seconds;
}
