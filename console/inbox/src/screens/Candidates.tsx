import { Button, Modal, Skeleton } from "@mantine/core";
import type { Candidate, ContactOut, ConversationOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { mergeContacts } from "../actions/mergeContacts";
import { useAct } from "../actions/useAct";
import { candidatesQuery } from "../api/queries";
import { ChannelIcon } from "../parts/Channel";
import { useMe } from "../session/me";
import { useText } from "../text";
import classes from "./Details.module.css";
import { Section } from "./Section";
import dialog from "./dialogs/dialogs.module.css";

interface CandidatesProps {
  conversation: ConversationOut;
  contact: ContactOut;
}

/** Other contacts that may be the same person, each with every reason to think so. People decide, and can undo it. */
export function Candidates({ conversation, contact }: CandidatesProps) {
  const { t } = useText();
  const me = useMe();
  const { act, busy } = useAct(conversation);
  const mayMerge = mergeContacts.available(conversation, me);
  const { data, isPending } = useQuery(candidatesQuery(contact.id));
  const [asked, setAsked] = useState<ContactOut | null>(null);
  if (isPending) return <Skeleton height={20} m={16} />;
  if (!data || data.items.length === 0) return null;
  const nameOf = (one: ContactOut) => one.name || one.identities.find((each) => each.address_display)?.address_display || t("list.nobody");
  return (
    <Section title={t("packet.candidates")}>
      <ul className={classes.plain}>
        {data.items.map((candidate) => (
          <li key={candidate.contact.id} className={classes.article}>
            <p className={classes.articleTitle}>{nameOf(candidate.contact)}</p>
            <Reasons candidate={candidate} />
            {mayMerge && (
              <Button
                size="compact-xs"
                variant="light"
                leftSection={<mergeContacts.icon size={14} aria-hidden />}
                onClick={() => setAsked(candidate.contact)}
              >
                {t(mergeContacts.label)}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Modal
        opened={asked !== null}
        onClose={() => setAsked(null)}
        title={t("packet.mergeContactTitle")}
        closeButtonProps={{ "aria-label": t("action.cancel") }}
      >
        {asked && (
          <>
            <p className={dialog.none}>{t("packet.mergeContactBody", { from: nameOf(asked), into: nameOf(contact) })}</p>
            <div className={dialog.foot}>
              <Button variant="default" onClick={() => setAsked(null)}>
                {t("action.cancel")}
              </Button>
              <Button loading={busy !== null} onClick={() => void act(mergeContacts, asked).then((done) => done && setAsked(null))}>
                {t(mergeContacts.label)}
              </Button>
            </div>
          </>
        )}
      </Modal>
    </Section>
  );
}

function Reasons({ candidate: { contact, reasons } }: { candidate: Candidate }) {
  const { word } = useText();
  return (
    <>
      <ul className={classes.reasons}>
        {reasons.map(({ reason, address_display }) => (
          <li key={`${reason} ${address_display}`}>{[word("match", reason), address_display].filter(Boolean).join(": ")}</li>
        ))}
      </ul>
      <p className={classes.theirs}>
        {contact.identities.slice(0, 4).map((identity) => (
          <span key={identity.id}>
            <ChannelIcon channel={identity.channel} size={14} /> {identity.channel !== "webchat" && identity.address_display}
          </span>
        ))}
      </p>
    </>
  );
}
