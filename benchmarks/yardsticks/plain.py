"""A Flask application with one plain-text route: what the server and the framework cost before anything is done."""

from __future__ import annotations

from flask import Flask, request

app = Flask(__name__)


@app.route("/", methods=["GET", "POST"])
def answer() -> str:
    request.get_data()
    return "ok"
