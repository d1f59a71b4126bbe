import { Button, Modal, NativeSelect, TextInput } from "@mantine/core";
import type { TemplateOut } from "@centralita/shared/api";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type SyntheticEvent } from "react";

import { explain } from "../../actions/explain";
import { newMessage, send } from "../../actions/send";
import { HubError } from "../../api/http";
import * as hub from "../../api/hub";
import { keys, templatesQuery } from "../../api/queries";
import { brief } from "../../format/time";
import type { Way } from "../../session/ways";
import { useText } from "../../text";
import classes from "./dialogs.module.css";

const PLACE = /\{\{\s*(\w+)\s*\}\}/g;

/** What the customer will read; places without a value stay as they are. */
export function filled({ header, body, footer, parameters }: TemplateOut, values: readonly string[]): string {
  const at = (part: string, place: string) =>
    part.replace(PLACE, (whole, name: string) => {
      const index = parameters.findIndex((each) => each.place === place && each.name === name);
      return values[index]?.trim() ?? "" ? (values[index] ?? whole) : whole;
    });
  const file = values[parameters.findIndex(({ place }) => place === "header_file")] ?? "";
  return [file, at(header, "header"), at(body, "body"), footer].filter(Boolean).join("\n\n");
}

interface TemplateDialogProps {
  way: Way;
  conversationId: string;
  onClose: () => void;
}

/** Chooses one of the provider's approved texts, fills it in and sends it. */
export function TemplateDialog({ way, conversationId, onClose }: TemplateDialogProps) {
  const text = useText();
  const { t, word } = text;
  const client = useQueryClient();
  const { data } = useQuery(templatesQuery(way.inboxId));
  const [picked, setPicked] = useState("");
  const [values, setValues] = useState<readonly string[]>([]);
  const [reading, setReading] = useState(false);
  const [problem, setProblem] = useState<HubError | null>(null);
  const sendable = (data?.items ?? []).filter((each) => each.why_not === "");
  const template = sendable.find(({ id }) => id === picked) ?? sendable[0];
  const complete = template?.parameters.every((_, index) => (values[index] ?? "").trim() !== "") ?? false;

  async function sync() {
    setReading(true);
    setProblem(null);
    try {
      client.setQueryData(keys.templates(way.inboxId), await hub.syncTemplates(way.inboxId));
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      setProblem(error);
    } finally {
      setReading(false);
    }
  }

  function submit(event: SyntheticEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!template || !complete) return;
    const parameters = template.parameters.map((_, index) => (values[index] ?? "").trim());
    const message = newMessage({
      conversationId,
      kind: "reply",
      text: filled(template, parameters),
      attachments: [],
      inboxId: way.inboxId,
      identityId: way.identityId,
      template: { id: template.id, parameters },
    });
    void send(client, message);
    onClose();
  }

  return (
    <Modal opened onClose={onClose} title={t("template.title")} closeButtonProps={{ "aria-label": t("action.cancel") }}>
      <form onSubmit={submit}>
        {template ? (
          <>
            <NativeSelect
              label={t("template.which")}
              value={template.id}
              onChange={(event) => {
                setPicked(event.currentTarget.value);
                setValues([]);
              }}
              data={sendable.map(({ id, name, language, category }) => ({
                value: id,
                label: `${name} · ${language} · ${word("templateCategory", category)}`,
              }))}
            />
            {template.parameters.map(({ place, name }, index) => (
              <TextInput
                key={`${template.id} ${place} ${name}`}
                mt="xs"
                required
                maxLength={1024}
                type={place === "header_file" ? "url" : "text"}
                label={
                  place === "header_file"
                    ? t("template.fileValue", { kind: word("templateFile", name) })
                    : t(place.startsWith("button") ? "template.buttonValue" : "template.value", { name })
                }
                value={values[index] ?? ""}
                onChange={(event) => {
                  const value = event.currentTarget.value;
                  setValues(template.parameters.map((_, each) => (each === index ? value : (values[each] ?? ""))));
                }}
              />
            ))}
            <p className={classes.preview} aria-label={t("template.preview")}>
              {filled(template, values)}
            </p>
          </>
        ) : (
          <p className={classes.none}>{t(data ? "template.none" : "template.reading")}</p>
        )}
        {problem && (
          <p className={classes.none} role="alert">
            {explain(problem, text)}
          </p>
        )}
        <div className={classes.foot}>
          <Button variant="subtle" color="gray" loading={reading} onClick={() => void sync()}>
            {data?.synced_at ? t("template.syncAgain", { time: brief(data.synced_at, text) }) : t("template.sync")}
          </Button>
          <Button type="submit" disabled={!complete}>
            {t("template.send")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
