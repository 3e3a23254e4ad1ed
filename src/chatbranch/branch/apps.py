from django.apps import AppConfig


class BranchConfig(AppConfig):
    name = "chatbranch.branch"
    label = "branch"
    default_auto_field = "django.db.models.BigAutoField"
