import { ActionIcon, Button, Menu, Tooltip } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { ConversationDetail } from "@centralita/shared/api";
import { IconArrowLeft, IconDots, IconLayoutSidebarRight } from "../parts/icons";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { askVendor } from "../actions/askVendor";
import { assign } from "../actions/assign";
import { bringIn } from "../actions/bringIn";
import { handBack } from "../actions/handBack";
import { leave } from "../actions/leave";
import { merge } from "../actions/merge";
import { reopen } from "../actions/reopen";
import { resolve } from "../actions/resolve";
import { PRIORITIES, setPriority } from "../actions/setPriority";
import { snooze } from "../actions/snooze";
import { split } from "../actions/split";
import { take } from "../actions/take";
import { transfer } from "../actions/transfer";
import { useAct } from "../actions/useAct";
import { agentsQuery, teamsQuery } from "../api/queries";
import { ChannelIcon } from "../parts/Channel";
import { Person } from "../parts/Person";
import { PriorityMark } from "../parts/Priority";
import { AwaitedMark, PromiseMark } from "../parts/Promise";
import { useShortcuts } from "../parts/useShortcuts";
import { useMe } from "../session/me";
import { addressOf, whoIs } from "../session/who";
import { useText } from "../text";
import classes from "./ConversationHeader.module.css";
import { AskVendorDialog } from "./dialogs/AskVendorDialog";
import { AssignDialog } from "./dialogs/AssignDialog";
import { BringInDialog } from "./dialogs/BringInDialog";
import { MergeDialog } from "./dialogs/MergeDialog";
import { SnoozeDialog } from "./dialogs/SnoozeDialog";
import { TransferDialog } from "./dialogs/TransferDialog";

interface HeaderProps {
  detail: ConversationDetail;
  onBack: () => void;
  onSplit: () => void;
  panel: "details" | "none" | undefined;
  setPanel: (panel: "details" | "none" | undefined) => void;
}

type Dialog = "askVendor" | "bringIn" | "assign" | "transfer" | "snooze" | "merge";

export function ConversationHeader({ detail, onBack, onSplit, panel, setPanel }: HeaderProps) {
  const text = useText();
  const { t, word } = text;
  const me = useMe();
  const { conversation } = detail;
  const { act, busy } = useAct(conversation);
  const { data: agents } = useQuery(agentsQuery);
  const { data: teams } = useQuery(teamsQuery);
  const heading = useRef<HTMLHeadingElement>(null);
  // On a phone the list, whose name is the page's heading otherwise, is not there.
  const Heading = useMediaQuery("(max-width: 860px)") ? "h1" : "h2";
  const [dialog, setDialog] = useState<Dialog | null>(null);

  // On a phone the list that had the focus is gone from the screen.
  useEffect(() => {
    if (document.activeElement?.getClientRects().length === 0) heading.current?.focus({ preventScroll: true });
  }, []);

  const can = (action: { available: typeof take.available }) => action.available(conversation, me);
  const assignee = agents?.items.find(({ id }) => id === conversation.assignee_id);
  const colleague = agents?.items.find(({ id }) => id === conversation.colleague_id);
  const team = teams?.items.find(({ id }) => id === conversation.team_id);
  const name = whoIs(conversation, text);
  const address = addressOf(conversation);

  useShortcuts({
    t: can(take) ? () => void act(take, undefined) : undefined,
    e: can(resolve) ? () => void act(resolve, undefined) : undefined,
    a: can(assign) ? () => setDialog("assign") : undefined,
  });

  const close = () => setDialog(null);
  return (
    <header className={classes.header}>
      <ActionIcon className={classes.back ?? ""} variant="subtle" color="gray" size="lg" aria-label={t("pane.back")} onClick={onBack}>
        <IconArrowLeft size={20} aria-hidden />
      </ActionIcon>
      <div className={classes.who}>
        <Heading ref={heading} tabIndex={-1} className={classes.name}>
          {name}
          {conversation.subject && (
            <span className={classes.subject} title={conversation.subject}>
              {" "}
              {conversation.subject}
            </span>
          )}
        </Heading>
        <p className={classes.facts}>
          <span title={t("thread.ticket", { number: conversation.ticket_number })}>#{conversation.ticket_number}</span>
          <span className={classes.fact}>
            <ChannelIcon channel={conversation.channel} />
            <span className={classes.channelName}>{address && address !== name ? address : word("channel", conversation.channel)}</span>
          </span>
          <span className={classes.fact} data-status={conversation.status}>
            {t(`status.${conversation.status}`)}
          </span>
          {assignee && (
            <span className={classes.fact} title={t("status.assigned")}>
              <Person id={assignee.id} name={assignee.name} size={18} />
              <span className={classes.roomy}>{assignee.name}</span>
            </span>
          )}
          {colleague && (
            <span className={classes.fact} title={t("colleague.with", { name: colleague.name })}>
              <span aria-hidden>+</span>
              <Person id={colleague.id} name={colleague.name} size={18} />
              <span className={classes.roomy}>{colleague.name}</span>
            </span>
          )}
          {!assignee && team && <span className={`${classes.fact ?? ""} ${classes.roomy ?? ""}`}>{team.name}</span>}
          <PriorityMark priority={conversation.priority} />
          <PromiseMark sla={conversation.sla} words />
          <AwaitedMark awaited={conversation.awaited ?? null} />
        </p>
      </div>
      <div className={classes.actions}>
        {can(take) && (
          <Button
            size="sm"
            variant={conversation.status === "waiting" || conversation.status === "bot" ? "filled" : "light"}
            leftSection={<take.icon size={17} aria-hidden />}
            loading={busy === take.name}
            onClick={() => void act(take, undefined)}
          >
            {t(take.label)}
          </Button>
        )}
        {can(resolve) && conversation.status === "assigned" && (
          <Button
            size="sm"
            variant="light"
            leftSection={<resolve.icon size={17} aria-hidden />}
            loading={busy === resolve.name}
            onClick={() => void act(resolve, undefined)}
          >
            {t(resolve.label)}
          </Button>
        )}
        <Menu position="bottom-end" shadow="md" width={230}>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("action.more")}>
              <IconDots size={20} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {can(resolve) && conversation.status !== "assigned" && (
              <Menu.Item leftSection={<resolve.icon size={16} aria-hidden />} onClick={() => void act(resolve, undefined)}>
                {t(resolve.label)}
              </Menu.Item>
            )}
            {can(reopen) && (
              <Menu.Item leftSection={<reopen.icon size={16} aria-hidden />} onClick={() => void act(reopen, undefined)}>
                {t(reopen.label)}
              </Menu.Item>
            )}
            {can(assign) && (
              <Menu.Item leftSection={<assign.icon size={16} aria-hidden />} onClick={() => setDialog("assign")}>
                {t(assign.label)}
              </Menu.Item>
            )}
            {can(transfer) && (
              <Menu.Item leftSection={<transfer.icon size={16} aria-hidden />} onClick={() => setDialog("transfer")}>
                {t(transfer.label)}
              </Menu.Item>
            )}
            {can(bringIn) && (
              <Menu.Item leftSection={<bringIn.icon size={16} aria-hidden />} onClick={() => setDialog("bringIn")}>
                {t(bringIn.label)}
              </Menu.Item>
            )}
            {can(leave) && (
              <Menu.Item leftSection={<leave.icon size={16} aria-hidden />} onClick={() => void act(leave, undefined)}>
                {conversation.colleague_id === me.id ? t(leave.label) : t("action.thankColleague", { name: colleague?.name ?? "" })}
              </Menu.Item>
            )}
            {can(snooze) && (
              <Menu.Item leftSection={<snooze.icon size={16} aria-hidden />} onClick={() => setDialog("snooze")}>
                {t(snooze.label)}
              </Menu.Item>
            )}
            {can(handBack) && (
              <Menu.Item leftSection={<handBack.icon size={16} aria-hidden />} onClick={() => void act(handBack, undefined)}>
                {t(handBack.label)}
              </Menu.Item>
            )}
            {can(askVendor) && (
              <Menu.Item leftSection={<askVendor.icon size={16} aria-hidden />} onClick={() => setDialog("askVendor")}>
                {t(askVendor.label)}
              </Menu.Item>
            )}
            {can(setPriority) && (
              <>
                <Menu.Divider />
                <Menu.Label>{t(setPriority.label)}</Menu.Label>
                <Menu.RadioGroup value={conversation.priority}>
                  {PRIORITIES.map((priority) => (
                    <Menu.RadioItem
                      key={priority}
                      value={priority}
                      closeMenuOnClick
                      onChange={() => void act(setPriority, priority)}
                    >
                      {priority === "none" ? t("priority.none") : <PriorityMark priority={priority} words />}
                    </Menu.RadioItem>
                  ))}
                </Menu.RadioGroup>
              </>
            )}
            {can(merge) && (
              <>
                <Menu.Divider />
                <Menu.Item leftSection={<merge.icon size={16} aria-hidden />} onClick={() => setDialog("merge")}>
                  {t(merge.label)}
                </Menu.Item>
                <Menu.Item leftSection={<split.icon size={16} aria-hidden />} onClick={onSplit}>
                  {t(split.label)}
                </Menu.Item>
              </>
            )}
          </Menu.Dropdown>
        </Menu>
        <PanelToggle panel={panel} setPanel={setPanel} />
      </div>
      <AskVendorDialog opened={dialog === "askVendor"} onClose={close} conversation={conversation} />
      <BringInDialog opened={dialog === "bringIn"} onClose={close} conversation={conversation} />
      <AssignDialog opened={dialog === "assign"} onClose={close} conversation={conversation} />
      <TransferDialog opened={dialog === "transfer"} onClose={close} conversation={conversation} />
      <SnoozeDialog opened={dialog === "snooze"} onClose={close} conversation={conversation} />
      <MergeDialog opened={dialog === "merge"} onClose={close} detail={detail} />
    </header>
  );
}

function PanelToggle({ panel, setPanel }: Pick<HeaderProps, "panel" | "setPanel">) {
  const { t } = useText();
  const toggle = () => {
    // Without a choice the style sheet decides by the room there is.
    const shown = (document.getElementById("details")?.getClientRects().length ?? 0) > 0;
    if (shown) setPanel(panel === "details" ? undefined : "none");
    else setPanel(panel === "none" ? undefined : "details");
  };
  return (
    <Tooltip label={t("thread.details")}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("thread.details")} aria-controls="details" onClick={toggle}>
        <IconLayoutSidebarRight size={20} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
