import { Button, Checkbox, Collapse, CopyButton, Modal, NativeSelect, NumberInput, PasswordInput, Textarea, TextInput } from "@mantine/core";
import type { InboxKindOut, InboxKinds, InboxSettingsOut, SetupFieldOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as inboxes from "../../api/inboxes";
import { teamsQuery } from "../../api/queries";
import { useText } from "../../text";
import admin from "./Admin.module.css";
import classes from "./Inboxes.module.css";
import { Troubles } from "./Inboxes";
import { Buttons, useSave } from "./parts";

type Value = string | number | boolean | string[];
type Saved = Awaited<ReturnType<typeof inboxes.add>>;

interface InboxFormProps {
  /** Null for a new one. */
  inbox: InboxSettingsOut | null;
  kinds: InboxKinds;
  onClose: () => void;
}

/** An inbox filled in by what its channel declares; then what to paste at the provider, and the test. */
export function InboxForm({ inbox, kinds, onClose }: InboxFormProps) {
  const { t } = useText();
  const [channel, setChannel] = useState(inbox?.channel ?? "");
  const [saved, setSaved] = useState<Saved | null>(null);
  const kind = kinds.items.find((each) => each.channel === channel);
  const title = inbox?.name ?? t("inboxes.add");
  return (
    <Modal opened onClose={onClose} title={title} size="lg" closeButtonProps={{ "aria-label": t("action.cancel") }}>
      <div className={admin.form}>
        {!inbox && !saved && (
          <NativeSelect
            data-autofocus
            label={t("inboxes.kind")}
            value={channel}
            onChange={(event) => setChannel(event.currentTarget.value)}
            data={[{ value: "", label: t("inboxes.choose") }, ...kinds.items.map(({ channel, title }) => ({ value: channel, label: title }))]}
          />
        )}
        {saved && kind ? (
          <Connected saved={saved} kind={kind} reachable={kinds.public} onClose={onClose} />
        ) : (
          kind && <Fields key={channel} inbox={inbox} kind={kind} reachable={kinds.public} onSaved={setSaved} onClose={onClose} />
        )}
      </div>
    </Modal>
  );
}

function Steps({ kind }: { kind: InboxKindOut }) {
  const { language } = useText();
  return (
    <ol className={classes.steps}>
      {kind.steps.map((step) => (
        <li key={step.en}>{step[language]}</li>
      ))}
    </ol>
  );
}

interface FieldsProps {
  inbox: InboxSettingsOut | null;
  kind: InboxKindOut;
  reachable: boolean;
  onSaved: (saved: Saved) => void;
  onClose: () => void;
}

function Fields({ inbox, kind, reachable, onSaved, onClose }: FieldsProps) {
  const { t } = useText();
  const { save, busy } = useSave();
  const { data: teams } = useQuery(teamsQuery);
  const [name, setName] = useState(inbox?.name ?? kind.title);
  const [team, setTeam] = useState(inbox?.team_id ?? "");
  const [bot, setBot] = useState(inbox?.bot ?? true);
  const [receipts, setReceipts] = useState(inbox?.receipts ?? true);
  const [settings, setSettings] = useState<Record<string, Value>>(() => shownSettings(inbox, kind));
  const [secrets, setSecrets] = useState<Record<string, string>>({});
  const [made, setMade] = useState<string[]>([]);
  const [more, setMore] = useState(false);
  const matters = ({ where: [other, wanted] }: SetupFieldOut) =>
    !other || String(settings[other] ?? kind.fields.find((each) => each.name === other)?.default) === wanted;
  const field = (each: SetupFieldOut) =>
    matters(each) && (
      <One
        key={each.name}
        field={each}
        value={each.secret ? secrets[each.name] : settings[each.name]}
        known={Boolean(inbox?.secrets.includes(each.name))}
        anew={made.includes(each.name)}
        onAnew={() => setMade([...made, each.name])}
        onChange={(value) => (each.secret ? setSecrets({ ...secrets, [each.name]: String(value) }) : setSettings({ ...settings, [each.name]: value }))}
      />
    );
  const advanced = kind.fields.filter((each) => each.advanced);

  async function submit() {
    const done = await save(async () => {
      const body = {
        ...{ name, team_id: team || teams?.items[0]?.id || "", bot, receipts, made },
        settings: readSettings(settings, kind),
        secrets: Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== "")),
      };
      onSaved(await (inbox ? inboxes.change(inbox.id, body) : inboxes.add({ ...body, channel: kind.channel })));
    });
    return done;
  }

  return (
    <form
      className={admin.form}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Steps kind={kind} />
      {inbox && <Paste address={inbox.address} made={{}} kind={kind} inboxKey={inbox.key} />}
      {kind.webhook && !reachable && <p className={classes.note}>{t("inboxes.notPublic")}</p>}
      <div className={admin.row}>
        <TextInput required label={t("admin.name")} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <NativeSelect
          label={t("inboxes.team")}
          value={team || teams?.items[0]?.id}
          onChange={(event) => setTeam(event.currentTarget.value)}
          data={teams?.items.map(({ id, name }) => ({ value: id, label: name })) ?? []}
        />
      </div>
      {kind.fields.filter((each) => !each.advanced).map(field)}
      <Checkbox label={t("inboxes.botFirst")} checked={bot} onChange={(event) => setBot(event.currentTarget.checked)} />
      <Checkbox label={t("inboxes.receipts")} description={t("inboxes.receipts.hint")} checked={receipts} onChange={(event) => setReceipts(event.currentTarget.checked)} />
      {advanced.length > 0 && (
        <>
          <Button variant="subtle" size="compact-sm" aria-expanded={more} onClick={() => setMore(!more)} style={{ justifySelf: "start" }}>
            {more ? t("inboxes.less") : t("inboxes.more")}
          </Button>
          <Collapse expanded={more}>
            <div className={admin.form}>{advanced.map(field)}</div>
          </Collapse>
        </>
      )}
      <Buttons busy={busy} onCancel={onClose} />
    </form>
  );
}

interface OneProps {
  field: SetupFieldOut;
  value: Value | undefined;
  /** Whether the secret is there. */
  known: boolean;
  anew: boolean;
  onAnew: () => void;
  onChange: (value: Value) => void;
}

function One({ field, value, known, anew, onAnew, onChange }: OneProps) {
  const { t, language } = useText();
  const label = field.label[language];
  const hint = field.hint?.[language];
  const words = { label, ...(hint ? { description: hint } : {}), placeholder: field.default };
  if (field.secret) {
    const shared = {
      ...words,
      placeholder: known ? t("inboxes.kept") : field.made ? t("inboxes.madeEmpty") : "",
      required: field.required && !known,
      value: String(value ?? ""),
    };
    return (
      <div className={classes.secret}>
        {field.form === "long" ? (
          <Textarea {...shared} autosize minRows={3} onChange={(event) => onChange(event.currentTarget.value)} />
        ) : (
          <PasswordInput {...shared} autoComplete="new-password" onChange={(event) => onChange(event.currentTarget.value)} />
        )}
        {field.made && known && (
          <Button variant="default" disabled={anew} onClick={onAnew}>
            {anew ? t("inboxes.willMake") : t("inboxes.makeAnew")}
          </Button>
        )}
      </div>
    );
  }
  switch (field.form) {
    case "boolean":
      return <Checkbox label={label} description={hint} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
    case "number":
      return <NumberInput {...words} required={field.required} value={value as number | string} onChange={onChange} />;
    case "choice":
      return (
        <NativeSelect
          label={label}
          description={hint}
          value={String(value ?? field.default)}
          onChange={(event) => onChange(event.currentTarget.value)}
          data={field.default ? field.choices : ["", ...field.choices]}
        />
      );
    case "list":
    case "long":
    case "json":
      return <Textarea {...words} autosize minRows={2} required={field.required} value={String(value ?? "")} onChange={(event) => onChange(event.currentTarget.value)} />;
    default:
      return <TextInput {...words} required={field.required} value={String(value ?? "")} onChange={(event) => onChange(event.currentTarget.value)} />;
  }
}

/** As they stand in the form: lists by lines, objects as JSON. */
function shownSettings(inbox: InboxSettingsOut | null, kind: InboxKindOut): Record<string, Value> {
  const shown: Record<string, Value> = {};
  for (const { name, form } of kind.fields) {
    const value = inbox?.settings[name] as Value | undefined;
    if (value === undefined) continue;
    if (form === "list") shown[name] = (value as string[]).join("\n");
    else if (form === "json") shown[name] = JSON.stringify(value, null, 1);
    else shown[name] = value;
  }
  return shown;
}

/** As the hub takes them; what is empty is left out. */
export function readSettings(given: Record<string, Value>, kind: InboxKindOut): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const { name, form } of kind.fields) {
    const value = given[name];
    if (value === undefined || value === "") continue;
    if (form === "list") {
      const lines = String(value)
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean);
      if (lines.length > 0) read[name] = lines;
    } else if (form === "json") read[name] = parsed(String(value));
    else if (form !== "boolean" || value === true) read[name] = value;
  }
  return read;
}

/** What is no JSON goes as it is: the hub refuses it by its name. */
function parsed(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function Paste({ address, made, kind, inboxKey }: { address: string; made: Record<string, string>; kind: InboxKindOut; inboxKey: string }) {
  const { t, language } = useText();
  const labels = Object.fromEntries(kind.fields.map(({ name, label }) => [name, label[language]]));
  const line = `<script src="${location.origin}/widget/loader.js" data-inbox="${inboxKey}" async></script>`;
  const rows: [string, string][] = [
    ...(address ? [[t("inboxes.address"), address] as [string, string]] : []),
    ...(kind.channel === "webchat" ? [[t("inboxes.snippet"), line] as [string, string]] : []),
    ...Object.entries(made).map(([name, value]) => [labels[name] ?? name, value] as [string, string]),
  ];
  return rows.length === 0 ? null : (
    <dl className={classes.paste}>
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <code>{value}</code>
            <CopyButton value={value}>
              {({ copied, copy }) => (
                <Button size="compact-sm" variant="default" aria-label={`${t("admin.copy")}: ${name}`} onClick={copy}>
                  {copied ? t("admin.copied") : t("admin.copy")}
                </Button>
              )}
            </CopyButton>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Connected({ saved, kind, reachable, onClose }: { saved: Saved; kind: InboxKindOut; reachable: boolean; onClose: () => void }) {
  const { t } = useText();
  const { save, busy } = useSave();
  const [inbox, setInbox] = useState(saved.inbox);
  const tested = inbox.health.checked_at !== saved.inbox.health.checked_at;
  return (
    <>
      <p role="status">{t("inboxes.saved", { name: inbox.name })}</p>
      <Steps kind={kind} />
      <Paste address={inbox.address} made={saved.made} kind={kind} inboxKey={inbox.key} />
      {Object.keys(saved.made).length > 0 && <p className={classes.note}>{t("inboxes.once")}</p>}
      {kind.webhook && !reachable && <p className={classes.note}>{t("inboxes.notPublic")}</p>}
      <div role="status">
        {tested && <Troubles inbox={inbox} />}
        {tested && !inbox.health.error && <p className={classes.soft}>{t("inboxes.answers", { account: inbox.health.account || kind.title })}</p>}
      </div>
      <div className={admin.row} style={{ justifyContent: "flex-end" }}>
        <Button variant="default" loading={busy} onClick={() => void save(async () => setInbox(await inboxes.test(inbox.id)), t("inboxes.tested"))}>
          {t("inboxes.test")}
        </Button>
        <Button onClick={onClose}>{t("inboxes.done")}</Button>
      </div>
    </>
  );
}
