from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "chatbranch.intake"
    label = "intake"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chatbranch.claims.views import add_to_page
        from chatbranch.intake.views import on_claim_page

        add_to_page(on_claim_page)
