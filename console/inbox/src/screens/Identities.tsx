import { ActionIcon, Menu } from "@mantine/core";
import type { ContactOut, ConversationOut, IdentityOut } from "@centralita/shared/api";
import { useState } from "react";

import { allowContact, forbidContact } from "../actions/doNotContact";
import { unlink } from "../actions/unlink";
import { dayAndTime } from "../format/time";
import { ChannelIcon } from "../parts/Channel";
import { Evidence } from "../parts/Evidence";
import { IconBan, IconDots } from "../parts/icons";
import { linkOf } from "../session/links";
import { useMe } from "../session/me";
import { useText } from "../text";
import classes from "./Details.module.css";
import { ConsentDialog, UnlinkDialog } from "./dialogs/AddressDialogs";

interface IdentitiesProps {
  conversation: ConversationOut;
  contact: ContactOut;
}

/** The contact's addresses: how each is known, whether it may be written to, and what can be done about it. */
export function Identities({ conversation, contact }: IdentitiesProps) {
  const { t } = useText();
  return (
    <ul className={classes.plain} aria-label={t("packet.identities")}>
      {contact.identities.map((identity) => (
        <Identity key={identity.id} identity={identity} conversation={conversation} contact={contact} />
      ))}
    </ul>
  );
}

function Identity({ identity, conversation, contact }: IdentitiesProps & { identity: IdentityOut }) {
  const text = useText();
  const { t, word } = text;
  const { channel, evidence, do_not_contact: forbidden } = identity;
  const name = identity.address_display || word("channel", channel);
  return (
    <li className={classes.identity}>
      <ChannelIcon channel={channel} size={16} />
      <span className={classes.triedText}>
        <span className={classes.address} title={identity.address_display && identity.address}>
          {name}
        </span>
        {evidence === "first_message" && (
          <span className={classes.soft}>
            {word("evidence", evidence)}, {t("packet.linked", { time: dayAndTime(identity.linked_at, text) })}
          </span>
        )}
        <Evidence {...linkOf(identity, contact)} />
        {forbidden && (
          <span className={classes.forbidden}>
            <IconBan size={14} aria-hidden />
            {t("consent.forbidden")}: {word("consentHow", forbidden.how)}, {dayAndTime(forbidden.since, text)}
          </span>
        )}
      </span>
      <AddressMenu identity={identity} name={name} conversation={conversation} only={contact.identities.length === 1} />
    </li>
  );
}

interface AddressMenuProps {
  identity: IdentityOut;
  name: string;
  conversation: ConversationOut;
  /** Whoever has one address only is who has it. */
  only: boolean;
}

function AddressMenu({ identity, name, conversation, only }: AddressMenuProps) {
  const { t } = useText();
  const me = useMe();
  const [dialog, setDialog] = useState<"unlink" | "forbid" | "allow" | null>(null);
  const decide = identity.do_not_contact ? allowContact : forbidContact;
  const mayUnlink = !only && unlink.available(conversation, me);
  // A page's visitor is written to on the page alone, while they are there: there is nothing to forbid.
  const mayDecide = identity.channel !== "webchat" && decide.available(conversation, me);
  const close = () => setDialog(null);
  if (!mayUnlink && !mayDecide) return null;
  return (
    <>
      <Menu position="bottom-end" shadow="md" width={260}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t("link.actions", { address: name })}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {mayUnlink && (
            <Menu.Item leftSection={<unlink.icon size={16} aria-hidden />} onClick={() => setDialog("unlink")}>
              {t(unlink.label)}
            </Menu.Item>
          )}
          {mayDecide && (
            <Menu.Item
              leftSection={<decide.icon size={16} aria-hidden />}
              onClick={() => setDialog(decide === allowContact ? "allow" : "forbid")}
            >
              {t(decide.label)}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <UnlinkDialog opened={dialog === "unlink"} onClose={close} conversation={conversation} identityId={identity.id} address={name} />
      <ConsentDialog
        opened={dialog === "forbid" || dialog === "allow"}
        onClose={close}
        conversation={conversation}
        identityId={identity.id}
        address={name}
        allow={dialog === "allow"}
      />
    </>
  );
}
