import { Alert, Button, PasswordInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useState, type SubmitEvent } from "react";

import { explain } from "../actions/explain";
import { signIn } from "../actions/signIn";
import { acceptInvitation, openInvitation } from "../api/admin";
import { LanguageChoice } from "../parts/Settings";
import { usePageTitle } from "../parts/usePageTitle";
import { useText } from "../text";
import classes from "./SignIn.module.css";

/** Where an invitation's link leads: somebody chooses their password and is signed in. */
export function Invitation() {
  const text = useText();
  const { t } = text;
  const client = useQueryClient();
  const router = useRouter();
  // Behind the `#`, so that no server was told of it.
  const [token] = useState(() => decodeURIComponent(window.location.hash.slice(1)));
  const { data, isError } = useQuery({ queryKey: ["invitation", token], queryFn: () => openInvitation(token), retry: false });
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  usePageTitle(t("invitation.title"));

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!data) return;
    setBusy(true);
    setProblem(null);
    try {
      await acceptInvitation(token, password);
      await signIn(client, data.email, password);
      await router.navigate({ to: "/" });
    } catch (error) {
      setProblem(explain(error, text));
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={44} height={44} />
        <h1 className={classes.title}>{t("invitation.title")}</h1>
        {isError && (
          <Alert color="red" role="alert">
            {t("invitation.gone")}
          </Alert>
        )}
        {data && (
          <>
            <p className={classes.lead}>{t("invitation.hello", { name: data.name, email: data.email })}</p>
            <form onSubmit={(event) => void submit(event)} className={classes.form}>
              {problem && (
                <Alert color="red" role="alert">
                  {problem}
                </Alert>
              )}
              <PasswordInput
                label={t("invitation.password")}
                description={t("invitation.hint")}
                autoComplete="new-password"
                minLength={10}
                required
                withAsterisk={false}
                value={password}
                onChange={(event) => setPassword(event.currentTarget.value)}
              />
              <Button type="submit" loading={busy} fullWidth mt={4}>
                {t("invitation.save")}
              </Button>
            </form>
          </>
        )}
      </div>
      <LanguageChoice />
    </main>
  );
}
