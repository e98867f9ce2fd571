package agent

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// Topic is something whose news one can wait for.
type Topic string

const (
	// ChecksTopic is every check.
	ChecksTopic Topic = "checks"
	// ServicesTopic is which services there are, and their definitions.
	ServicesTopic Topic = "services"
	nodeTopic     Topic = "node"
)

func serviceTopic(id string) Topic { return Topic("service " + id) }
func nameTopic(name string) Topic  { return Topic("name " + name) }

// changes numbers what happens. A reader who takes the number of its topics
// before it reads the state misses nothing: what it has not seen has a higher
// one.
//
// Topics of ids and names share places by their hash, so that the memory is
// bounded whatever ids come and go: a place is never older than a topic in it,
// and a waiter that is woken by another topic finds its state unchanged.
type changes struct {
	seed maphash.Seed

	mu     sync.Mutex
	index  uint64 // of the latest change
	latest [1024]uint64
	moved  chan struct{} // closed by the next change; nil while nobody waits
}

// newChanges begins above the numbers of an agent that ran here before, as long
// as that made less than a change a microsecond.
func newChanges() *changes {
	c := &changes{seed: maphash.MakeSeed(), index: uint64(time.Now().UnixMicro())}
	for i := range c.latest {
		c.latest[i] = c.index
	}
	return c
}

// own are the topics with places of their own, the first ones.
var own = []Topic{ChecksTopic, ServicesTopic, nodeTopic}

func (c *changes) place(topic Topic) *uint64 {
	if i := slices.Index(own, topic); i >= 0 {
		return &c.latest[i]
	}
	shared := c.latest[len(own):]
	return &shared[maphash.String(c.seed, string(topic))%uint64(len(shared))]
}

// note says that there is news.
func (c *changes) note(topics ...Topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index++
	for _, topic := range topics {
		*c.place(topic) = c.index
	}
	c.wake()
}

// noteAll says that there may be news of anything.
func (c *changes) noteAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index++
	for i := range c.latest {
		c.latest[i] = c.index
	}
	c.wake()
}

func (c *changes) wake() {
	if c.moved != nil {
		close(c.moved)
		c.moved = nil
	}
}

// after returns the number of the topics' latest change, whether it is news to
// one who has seen everything up to seen, and what is closed by the next change
// of anything. A number that was never given out says that the reader knows
// another agent's state.
func (c *changes) after(seen uint64, topics []Topic) (index uint64, news bool, moved <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, topic := range topics {
		index = max(index, *c.place(topic))
	}
	if c.moved == nil {
		c.moved = make(chan struct{})
	}
	return index, index > seen || seen > c.index, c.moved
}

// Index is the number of the latest change of the topics. State that is read
// after it is at least as new.
func (a *Agent) Index(topics []Topic) uint64 {
	index, _, _ := a.changes.after(0, topics)
	return index
}

// Await waits until there is news of the topics to one who has seen everything up
// to seen, or ctx is done, and returns the number of their latest change. Topics
// are asked for anew at each change: what a name stands for may be one.
func (a *Agent) Await(ctx context.Context, seen uint64, topics func() []Topic) uint64 {
	for {
		index, news, moved := a.changes.after(seen, topics())
		if news {
			return index
		}
		select {
		case <-ctx.Done():
			return index
		case <-moved:
		}
	}
}

// HealthTopics are what a service's health depends on.
func (a *Agent) HealthTopics(id string) []Topic {
	return []Topic{nodeTopic, serviceTopic(id)}
}

// NamedHealthTopics are what the health of the services of one name depends on.
func (a *Agent) NamedHealthTopics(name string) []Topic {
	topics := []Topic{nodeTopic, nameTopic(name)}
	a.mu.RLock()
	defer a.mu.RUnlock()
	for id, s := range a.services {
		if s.def.Name == name {
			topics = append(topics, serviceTopic(id))
		}
	}
	return topics
}
