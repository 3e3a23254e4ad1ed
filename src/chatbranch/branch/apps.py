from importlib import import_module

from django.apps import AppConfig


class BranchConfig(AppConfig):
    name = "chatbranch.branch"
    label = "branch"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("chatbranch.branch.sessions.following")  # it listens from now on
