from django.apps import AppConfig


class ConductConfig(AppConfig):
    name = "chatbranch.conduct"
    label = "conduct"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """What members sign is the newest edition."""
        from chatbranch.branch.code import provide
        from chatbranch.conduct.code import to_sign

        provide(to_sign)
