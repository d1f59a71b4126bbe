import { ActionIcon, Menu } from "@mantine/core";
import type { ConversationOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";

import * as hub from "../api/hub";
import { linkPlacesQuery } from "../api/queries";
import { ChannelIcon } from "../parts/Channel";
import { IconArrowsRightLeft } from "../parts/icons";
import { insertIntoDraft } from "../session/drafts";
import { useText } from "../text";
import classes from "./WayPicker.module.css";
import { useDo } from "./useDo";

interface ContinueOnProps {
  conversation: ConversationOut;
  /** The link stands in the answer. */
  done: () => void;
}

/** Puts a link into the answer, by which the customer goes on in another channel. */
export function ContinueOn({ conversation, done }: ContinueOnProps) {
  const { t, word } = useText();
  const { data } = useQuery(linkPlacesQuery(conversation));
  const { run, busy } = useDo();
  if (!data || data.items.length === 0) return null;

  async function insert(inboxId: string) {
    const made = await run(() => hub.makeLink(conversation.id, inboxId));
    if (!made) return;
    insertIntoDraft(conversation.id, made.text);
    done();
  }

  return (
    <Menu position="top-start" shadow="md" width={300} returnFocus>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" loading={busy} aria-label={t("composer.continueOn")} title={t("composer.continueOn")}>
          <IconArrowsRightLeft size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("composer.continueOnLead")}</Menu.Label>
        {data.items.map(({ inbox_id, inbox_name, channel }) => (
          <Menu.Item key={inbox_id} onClick={() => void insert(inbox_id)}>
            <span className={classes.way}>
              <ChannelIcon channel={channel} size={16} decorative />
              <span className={classes.words}>
                <span>{word("channel", channel)}</span>
                {inbox_name !== word("channel", channel) && <span className={classes.soft}>{inbox_name}</span>}
              </span>
            </span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
