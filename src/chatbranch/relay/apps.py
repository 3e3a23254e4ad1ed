"""The slice that joins rooms of several platforms into one conversation."""

from django.apps import AppConfig


class RelayConfig(AppConfig):
    name = "chatbranch.relay"
    label = "relay"
