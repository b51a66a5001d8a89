// Makes pages nicer; each of them works without it.
'use strict';
(() => {
  // The landing's form submits itself, but only before a person: not while prerendered or in a background tab,
  // and not when the person came back with the back button.
  const auto = document.querySelector('form[data-auto]');
  if (auto) {
    const [entry] = performance.getEntriesByType('navigation');
    const isReturn = entry && entry.type === 'back_forward';
    const go = () => {
      if (!document.prerendering && document.visibilityState === 'visible' && !isReturn && !auto.dataset.sent) {
        auto.requestSubmit();
      }
    };
    document.addEventListener('prerenderingchange', go);
    document.addEventListener('visibilitychange', go);
    go();
  }

  // A second click on a submit button sends nothing; the first one always does.
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.method !== 'post') return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = '1';
    if (event.submitter) event.submitter.setAttribute('aria-busy', 'true');
  });
  // Coming back to a page that the browser kept: its forms may be sent again.
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
    for (const button of document.querySelectorAll('[aria-busy]')) button.removeAttribute('aria-busy');
  });

  // Pages that advance: ask for the same page, show its progress, follow it when its step is another one.
  const live = document.querySelector('[data-step]');
  if (live) {
    const ask = async () => {
      try {
        const answer = await fetch(location.href, { headers: { accept: 'text/html' }, cache: 'no-store' });
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        const next = page.querySelector('[data-step]');
        const here = document.querySelector('[data-step]');
        if (answer.redirected || !next || next.dataset.step !== here.dataset.step) {
          location.replace(answer.url);
          return;
        }
        if (next.innerHTML !== here.innerHTML) here.innerHTML = next.innerHTML;
      } catch {
        // Offline for a moment: the next round asks again.
      }
      setTimeout(ask, 1000);
    };
    setTimeout(ask, 1000);
  }

  // A button that looks disabled while its form is incomplete is disabled.
  for (const button of document.querySelectorAll('button.gated')) {
    const judge = () => { button.disabled = !button.form.checkValidity(); };
    button.form.addEventListener('input', judge);
    addEventListener('pageshow', judge);
    judge();
  }

  // Escape leaves a dialog by its own way out.
  const leave = document.querySelector('dialog [data-leave]');
  if (leave) {
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') leave.click();
    });
  }

  for (const button of document.querySelectorAll('[data-copy]')) {
    if (!navigator.clipboard) break;
    button.hidden = false;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
      button.textContent = button.dataset.done;
    });
  }
})();
