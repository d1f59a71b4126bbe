import { Button, Modal, UnstyledButton } from "@mantine/core";
import type { ConversationOut, IdentityOut } from "@centralita/shared/api";
import { useState } from "react";

import { somebodyElse } from "../actions/unlink";
import { useAct } from "../actions/useAct";
import { useMe } from "../session/me";
import { useText } from "../text";
import classes from "./SegmentDivider.module.css";
import dialog from "./dialogs/dialogs.module.css";

interface SomebodyElseProps {
  conversation: ConversationOut;
  /** By which this part of the conversation came. */
  identity: IdentityOut;
}

/** Beside a part of the conversation: it is somebody else's. Asks first, and can be taken back. */
export function SomebodyElse({ conversation, identity }: SomebodyElseProps) {
  const { t, word } = useText();
  const me = useMe();
  const { act, busy } = useAct(conversation);
  const [asked, setAsked] = useState(false);
  if (!somebodyElse.available(conversation, me)) return null;
  const address = [word("channel", identity.channel), identity.address_display].filter(Boolean).join(" ");
  return (
    <>
      <UnstyledButton className={classes.else} onClick={() => setAsked(true)}>
        {t(somebodyElse.label)}
      </UnstyledButton>
      <Modal opened={asked} onClose={() => setAsked(false)} title={t("link.somebodyElseTitle")} closeButtonProps={{ "aria-label": t("action.cancel") }}>
        <p className={dialog.none}>{t("link.somebodyElseBody", { address })}</p>
        <div className={dialog.foot}>
          <Button variant="default" onClick={() => setAsked(false)}>
            {t("action.cancel")}
          </Button>
          <Button loading={busy !== null} onClick={() => void act(somebodyElse, identity.id).then((done) => done && setAsked(false))}>
            {t("link.separate")}
          </Button>
        </div>
      </Modal>
    </>
  );
}
