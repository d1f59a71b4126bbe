import { Button, Modal, TextInput } from "@mantine/core";
import type { ConversationOut } from "@centralita/shared/api";
import type { SyntheticEvent } from "react";

import { allowContact, forbidContact } from "../../actions/doNotContact";
import { unlink } from "../../actions/unlink";
import { useAct } from "../../actions/useAct";
import { fieldOf } from "../../parts/field";
import { useText } from "../../text";
import classes from "./dialogs.module.css";

interface AddressDialogProps {
  opened: boolean;
  onClose: () => void;
  conversation: ConversationOut;
  identityId: string;
  /** As people write it. */
  address: string;
}

/** Asks before an address goes to a contact of its own. */
export function UnlinkDialog({ opened, onClose, conversation, identityId, address }: AddressDialogProps) {
  const { t } = useText();
  const { act, busy } = useAct(conversation);
  return (
    <Modal opened={opened} onClose={onClose} title={t("link.notTheirsTitle")} closeButtonProps={{ "aria-label": t("action.cancel") }}>
      <p className={classes.none}>{t("link.notTheirsBody", { address })}</p>
      <div className={classes.foot}>
        <Button variant="default" onClick={onClose}>
          {t("action.cancel")}
        </Button>
        <Button loading={busy !== null} onClick={() => void act(unlink, identityId).then((done) => done && onClose())}>
          {t("link.unlink")}
        </Button>
      </div>
    </Modal>
  );
}

/** Asks how it is known that a customer wants no messages at an address, or (`allow`) wants them again. */
export function ConsentDialog({ opened, onClose, conversation, identityId, address, allow }: AddressDialogProps & { allow: boolean }) {
  const { t } = useText();
  const { act, busy } = useAct(conversation);

  async function decide(event: SyntheticEvent<HTMLFormElement>) {
    event.preventDefault();
    const reason = fieldOf(event.currentTarget, "reason");
    if (reason && (await act(allow ? allowContact : forbidContact, { identityId, reason }))) onClose();
  }

  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={`${t(allow ? "consent.liftNow" : "consent.forbidNow")}: ${address}`}
      closeButtonProps={{ "aria-label": t("action.cancel") }}
    >
      <form onSubmit={(event) => void decide(event)}>
        <TextInput
          name="reason"
          required
          maxLength={500}
          label={t("consent.reason")}
          description={t("consent.reasonHint")}
          placeholder={t("consent.reasonPlaceholder")}
          data-autofocus
        />
        <div className={classes.foot}>
          <Button variant="default" onClick={onClose}>
            {t("action.cancel")}
          </Button>
          <Button type="submit" color="red" loading={busy !== null}>
            {t(allow ? "consent.liftNow" : "consent.forbidNow")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
