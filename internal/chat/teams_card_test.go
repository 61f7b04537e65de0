package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"matrix-expiry-report/internal/browsertest"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/npmtest"
)

// phoneWidth is that of a narrow phone, in CSS pixels.
const phoneWidth = 360

// drawCard is a script that draws a card with Microsoft's renderer. Its result lists
// what the renderer complains about and each text that is wider than the card or cut
// off, and the text of the card.
const drawCard = `(card, width) => {
	document.body.innerHTML = '';
	document.body.style.cssText = 'margin: 0; width: ' + width + 'px; font-family: "Segoe UI", system-ui, sans-serif';
	const context = new AdaptiveCards.SerializationContext(), drawn = new AdaptiveCards.AdaptiveCard();
	drawn.parse(card, context);
	const problems = [];
	for (let i = 0; i < context.eventCount; i++) problems.push(context.getEventAt(i).message);
	for (const failure of drawn.validateProperties().validationEvents) problems.push(failure.message);
	document.body.append(drawn.render());
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
	while (walker.nextNode()) {
		const text = walker.currentNode;
		range.selectNodeContents(text);
		let left = 0, right = width;
		for (let e = text.parentElement; e !== document.body; e = e.parentElement) {
			if (getComputedStyle(e).overflowX !== 'visible') {
				const box = e.getBoundingClientRect();
				left = Math.max(left, box.left), right = Math.min(right, box.right);
			}
		}
		for (const box of range.getClientRects()) {
			if (box.left < left - 1 || box.right > right + 1) problems.push('wider than the card: ' + text.data.slice(0, 80));
		}
	}
	if (document.documentElement.scrollWidth > width) problems.push('the page scrolls: ' + document.documentElement.scrollWidth);
	return {problems: [...new Set(problems)], text: document.body.innerText};
}`

// Microsoft's renderer accepts the card of every scenario and draws it within the
// width of a phone.
func TestTeamsCardFitsPhone(t *testing.T) {
	modules := npmtest.Install(t, "adaptivecards@3.0.6", "swiper@12.1.3")
	renderer, err := os.ReadFile(filepath.Join(modules, "adaptivecards/dist/adaptivecards.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	browser := browsertest.Start(t, phoneWidth, 800)
	if err := chromedp.Run(browser, chromedp.Navigate("about:blank"), chromedp.Evaluate(string(renderer), nil)); err != nil {
		t.Fatal(err)
	}
	for file, archive := range scenarioFiles(t) {
		r, o := parseScenario(t, archive).report(t)
		for _, o.Language = range locale.Languages() {
			t.Run(scenarioName(file)+"/"+o.Language, func(t *testing.T) {
				var body struct {
					Attachments []struct{ Content json.RawMessage }
				}
				if err := json.Unmarshal(post(t, "teams", r, o).Body, &body); err != nil || len(body.Attachments) != 1 {
					t.Fatalf("%d cards: %v", len(body.Attachments), err)
				}
				var drawn struct {
					Problems []string
					Text     string
				}
				call := "(" + drawCard + ")(" + string(body.Attachments[0].Content) + ", 360)"
				if err := chromedp.Run(browser, chromedp.Evaluate(call, &drawn)); err != nil {
					t.Fatal(err)
				}
				for _, problem := range drawn.Problems {
					t.Error(problem)
				}
				if len(drawn.Text) < 50 {
					t.Errorf("the card shows only %q", drawn.Text)
				}
			})
		}
	}
}
