from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "chatbranch.site"
    label = "site"

    def ready(self) -> None:
        """Where a page of one slice is joined by what a slice above it knows, it is joined here."""
        from chatbranch.claims.views import add_to_page
        from chatbranch.intake.views import on_claim_page

        add_to_page(on_claim_page)
