/* What other threads have for a loop: functions to call, and guests to cancel. */
#include "base/alloc.h"
#include "base/error.h"
#include "loop/parts.h"

typedef struct tn_letter tn_letter;
struct tn_letter {
  tn_letter *next;
  void (*func)(void *argument);
  void *argument;
};

void tn_mail_init(tn_mail *mail) {
  pthread_mutex_init(&mail->lock, NULL);
}

void tn_mail_free(tn_mail *mail) {
  for (tn_letter *letter = mail->first, *next; letter != NULL; letter = next) {
    next = letter->next;
    tn_free(letter);
  }
  pthread_mutex_destroy(&mail->lock);
}

/* One wake-up is enough for whatever comes until the loop looks. */
static void announce(tn_loop *loop) {
  if (!atomic_exchange(&loop->mail.has_any, true)) tn_poller_wake(&loop->poller);
}

tn_error *tn_loop_post(tn_loop *loop, void (*func)(void *argument), void *argument) {
  tn_letter *letter = tn_malloc(sizeof *letter);
  if (letter == NULL) return tn_error_no_memory();
  *letter = (tn_letter){NULL, func, argument};
  tn_mail *mail = &loop->mail;
  pthread_mutex_lock(&mail->lock);
  if (mail->first == NULL) {
    mail->first = letter;
  } else {
    mail->last->next = letter;
  }
  mail->last = letter;
  pthread_mutex_unlock(&mail->lock);
  announce(loop);
  return NULL;
}

/* The guest is linked, rather than a letter posted: this cannot fail. The lock is held to the end, so that
 * whoever sees the flag on the loop's thread and frees the guest finds it linked. */
void tn_guest_cancel(tn_guest *guest) {
  tn_mail *mail = &guest->loop->mail;
  pthread_mutex_lock(&mail->lock);
  bool is_news = !atomic_exchange(&guest->is_cancelled, true);
  if (is_news) {
    guest->next_cancelled = mail->cancelled;
    mail->cancelled = guest;
  }
  if (is_news) announce(guest->loop);
  pthread_mutex_unlock(&mail->lock);
}

void tn_guest_free(tn_guest *guest) {
  tn_alarm_clear(guest->loop, &guest->alarm);
  if (!atomic_load(&guest->is_cancelled)) return;
  tn_mail *mail = &guest->loop->mail;
  pthread_mutex_lock(&mail->lock);
  tn_guest **link = &mail->cancelled;
  while (*link != NULL && *link != guest)
    link = &(*link)->next_cancelled;
  if (*link != NULL) *link = guest->next_cancelled;
  pthread_mutex_unlock(&mail->lock);
}

/* The waits are released under the lock, which only queues their fibers. */
static tn_letter *take_letters(tn_mail *mail) {
  pthread_mutex_lock(&mail->lock);
  tn_letter *letters = mail->first;
  mail->first = mail->last = NULL;
  for (tn_guest *guest = mail->cancelled; guest != NULL; guest = guest->next_cancelled)
    tn_guest_release(guest);
  mail->cancelled = NULL;
  pthread_mutex_unlock(&mail->lock);
  return letters;
}

void tn_mail_take(tn_loop *loop) {
  if (!atomic_load_explicit(&loop->mail.has_any, memory_order_relaxed)) return;
  atomic_store(&loop->mail.has_any, false);
  for (tn_letter *letter = take_letters(&loop->mail), *next; letter != NULL; letter = next) {
    next = letter->next;
    letter->func(letter->argument);
    tn_free(letter);
  }
}
