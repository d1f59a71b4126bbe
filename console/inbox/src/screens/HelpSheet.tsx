import { Kbd, Modal } from "@mantine/core";

import { ACTIONS } from "../actions";
import { useText } from "../text";
import classes from "./HelpSheet.module.css";

export function HelpSheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useText();
  const list: [string, string][] = [
    ["j", t("shortcuts.down")],
    ["k", t("shortcuts.up")],
    ["Enter", t("shortcuts.open")],
    ["?", t("shortcuts.help")],
    ["Esc", t("shortcuts.close")],
  ];
  const conversation: [string, string][] = [
    ["r", t("composer.reply")],
    ["n", t("composer.note")],
    ...ACTIONS.flatMap(({ shortcut, label }): [string, string][] => (shortcut ? [[shortcut, t(label)]] : [])),
    ["Ctrl + Enter", t("shortcuts.send")],
    ["Alt + A", t("offer.accept")],
    ["Alt + D", t("offer.decline")],
  ];
  return (
    <Modal opened={opened} onClose={onClose} title={t("shortcuts.title")} size="md" closeButtonProps={{ "aria-label": t("shortcuts.close") }}>
      <div className={classes.columns}>
        <Keys title={t("shortcuts.list")} keys={list} />
        <Keys title={t("shortcuts.conversation")} keys={conversation} />
      </div>
    </Modal>
  );
}

function Keys({ title, keys }: { title: string; keys: [string, string][] }) {
  return (
    <section>
      <h3 className={classes.title}>{title}</h3>
      <dl className={classes.keys}>
        {keys.map(([key, meaning]) => (
          <div key={key} className={classes.row}>
            <dt>
              <Kbd>{key}</Kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
