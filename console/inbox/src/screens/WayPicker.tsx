import { Menu, UnstyledButton } from "@mantine/core";

import { ChannelIcon } from "../parts/Channel";
import { IconBan, IconChevronDown } from "../parts/icons";
import type { Way } from "../session/ways";
import { useText, type Text } from "../text";
import classes from "./WayPicker.module.css";

/** A way as it is called: its channel, and the customer's address where there is one to read. */
export function wayName({ channel, address }: Way, { word }: Text): string {
  return [word("channel", channel), address].filter(Boolean).join(" ");
}

interface WayPickerProps {
  ways: Way[];
  chosen: Way;
  /** By its key. */
  choose: (key: string) => void;
}

/** Which way the answer takes. One that is not the customer's last stands out. */
export function WayPicker({ ways, chosen, choose }: WayPickerProps) {
  const text = useText();
  const { t, word } = text;
  const other = !chosen.isLast;
  if (ways.length === 1) {
    return (
      <span className={classes.only}>
        <ChannelIcon channel={chosen.channel} size={15} decorative /> {wayName(chosen, text)}
      </span>
    );
  }
  return (
    <Menu position="top-start" shadow="md" width={320}>
      <Menu.Target>
        <UnstyledButton className={classes.chosen} data-other={other || undefined} aria-label={t("composer.by", { way: wayName(chosen, text) })}>
          <ChannelIcon channel={chosen.channel} size={15} decorative />
          <span className={classes.cut}>{wayName(chosen, text)}</span>
          {chosen.forbidden && <IconBan size={14} className={classes.ban} aria-hidden />}
          <IconChevronDown size={14} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("composer.answerBy")}</Menu.Label>
        <Menu.RadioGroup value={chosen.key} onChange={choose}>
          {ways.map((way) => (
            <Menu.RadioItem key={way.key} value={way.key} closeMenuOnClick>
              <span className={classes.way}>
                <ChannelIcon channel={way.channel} size={16} decorative />
                <span className={classes.words}>
                  <span>{wayName(way, text)}</span>
                  <span className={classes.soft}>
                    {[way.inboxName !== word("channel", way.channel) && way.inboxName, way.isLast && t("composer.lastUsed"), way.neverWritten && t("composer.neverWritten"), way.forbidden && t("composer.forbidden")]
                      .filter(Boolean)
                      .join(" · ")}
                  </span>
                </span>
              </span>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Dropdown>
    </Menu>
  );
}
