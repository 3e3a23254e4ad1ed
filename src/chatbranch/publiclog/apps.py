from django.apps import AppConfig


class PublicLogConfig(AppConfig):
    name = "chatbranch.publiclog"
    label = "publiclog"
    default_auto_field = "django.db.models.BigAutoField"
