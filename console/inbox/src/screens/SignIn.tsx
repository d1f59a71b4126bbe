import { Alert, Button, PasswordInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useRef, useState, type SubmitEvent } from "react";

import { explain } from "../actions/explain";
import { signIn } from "../actions/signIn";
import { HubError } from "../api/http";
import { fieldOf } from "../parts/field";
import { LanguageChoice } from "../parts/Settings";
import { usePageTitle } from "../parts/usePageTitle";
import { useText } from "../text";
import classes from "./SignIn.module.css";

const route = getRouteApi("/sign-in");

export function SignIn() {
  const text = useText();
  const { t } = text;
  const { next, ended } = route.useSearch();
  const client = useQueryClient();
  const router = useRouter();
  const passwordField = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  usePageTitle(t("signIn.title"));

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const password = passwordField.current?.value ?? "";
    setBusy(true);
    setProblem(null);
    try {
      await signIn(client, fieldOf(form, "email"), password);
      await router.navigate({ to: next ?? "/" });
    } catch (error) {
      const refused = error instanceof HubError && error.status === 401;
      setProblem(refused ? t("signIn.refused") : explain(error, text));
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={44} height={44} />
        <h1 className={classes.title}>{t("app.name")}</h1>
        <p className={classes.lead}>{t("signIn.lead")}</p>
        <form onSubmit={(event) => void submit(event)} className={classes.form}>
          {ended && !problem && <Alert color="yellow">{t("signIn.ended")}</Alert>}
          {problem && (
            <Alert color="red" role="alert">
              {problem}
            </Alert>
          )}
          <TextInput name="email" type="email" label={t("signIn.email")} autoComplete="username" required withAsterisk={false} />
          <PasswordInput
            ref={passwordField}
            name="password"
            label={t("signIn.password")}
            autoComplete="current-password"
            required
            withAsterisk={false}
          />
          <Button type="submit" loading={busy} fullWidth mt={4}>
            {t("signIn.submit")}
          </Button>
        </form>
        <p className={classes.demo}>{t("signIn.demo")}</p>
      </div>
      <LanguageChoice />
    </main>
  );
}
