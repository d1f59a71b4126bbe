import { Button, Modal } from "@mantine/core";
import type { ClaimOut, ConversationOut, LetterOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { joinContact } from "../actions/joinContact";
import { merge } from "../actions/merge";
import { useAct } from "../actions/useAct";
import { conversationQuery } from "../api/queries";
import { IconAlertTriangle } from "../parts/icons";
import { Failed, Loading } from "../parts/Pane";
import { useMe } from "../session/me";
import { useText } from "../text";
import dialog from "./dialogs/dialogs.module.css";
import classes from "./Letter.module.css";

interface ClaimsProps {
  letter: LetterOut;
  conversation: ConversationOut;
}

/** A stranger's mail names another conversation: it did not get in, and an agent decides. */
export function Claims({ letter, conversation }: ClaimsProps) {
  const { t } = useText();
  const me = useMe();
  const [asked, setAsked] = useState<ClaimOut | null>(null);
  // It was merged there meanwhile, or the mail moved.
  const open = letter.claims.filter(({ conversation_id }) => conversation_id !== conversation.id);
  return (
    <>
      {open.map((claim) => (
        <div key={claim.conversation_id} className={classes.claim} role="note">
          <p>
            <IconAlertTriangle size={16} aria-hidden />
            <span>{t("claim.says", { number: claim.ticket_number })}</span>
          </p>
          <div className={classes.claimActions}>
            <Button
              size="compact-sm"
              variant="default"
              renderRoot={(props) => <Link to="/$view/$conversationId" params={{ view: "all", conversationId: claim.conversation_id }} {...props} />}
            >
              {t("claim.open", { number: claim.ticket_number })}
            </Button>
            {merge.available(conversation, me) && (
              <Button size="compact-sm" variant="default" onClick={() => setAsked(claim)}>
                {t("claim.merge")}
              </Button>
            )}
          </div>
        </div>
      ))}
      <Modal
        opened={asked !== null}
        onClose={() => setAsked(null)}
        title={t("claim.title", { number: asked?.ticket_number ?? "" })}
        closeButtonProps={{ "aria-label": t("action.cancel") }}
      >
        {asked && <Decide claim={asked} sender={letter.sender} conversation={conversation} close={() => setAsked(null)} />}
      </Modal>
    </>
  );
}

interface DecideProps {
  claim: ClaimOut;
  sender: string;
  conversation: ConversationOut;
  close: () => void;
}

/** First that they are one person, where the hub holds them for two; then the conversations. Each can be undone. */
function Decide({ claim, sender, conversation, close }: DecideProps) {
  const { t } = useText();
  const me = useMe();
  const navigate = useNavigate();
  const { act, busy } = useAct(conversation);
  const query = useQuery(conversationQuery(claim.conversation_id));
  if (query.isError && !query.data) return <Failed error={query.error} again={() => void query.refetch()} />;
  if (!query.data) return <Loading lines={2} />;
  const { contact, conversation: other } = query.data;
  const name = contact.name || other.address_display || t("list.nobody");
  const one = contact.id === conversation.contact.id;

  async function mergeThere() {
    if (!(await act(merge, other))) return;
    close();
    await navigate({ to: "/$view/$conversationId", params: { view: "all", conversationId: other.id } });
  }

  return (
    <>
      <p className={dialog.none}>
        {one ? t("claim.same", { name, number: claim.ticket_number }) : t("claim.two", { sender, name })}
      </p>
      {!one && !joinContact.available(conversation, me) && <p className={dialog.none}>{t("claim.askLead")}</p>}
      <div className={dialog.foot}>
        <Button variant="default" onClick={close}>
          {t("action.cancel")}
        </Button>
        {one ? (
          <Button loading={busy !== null} onClick={() => void mergeThere()}>
            {t("claim.mergeNow", { number: claim.ticket_number })}
          </Button>
        ) : (
          joinContact.available(conversation, me) && (
            <Button loading={busy !== null} onClick={() => void act(joinContact, contact)}>
              {t(joinContact.label)}
            </Button>
          )
        )}
      </div>
    </>
  );
}
