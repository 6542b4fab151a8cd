// Stage 2: events, after the code is deployed, because Event Grid checks that the function exists.
//
// azd runs it from a hook after every deployment; by hand: az deployment sub create (docs/deploy.md). Run it again
// when a subscription or a vault is added; what is there already stays as it is.

targetScope = 'subscription'

@description('Azure region of the resource groups that new topics lie in.')
param location string

@description('Name of the environment, for the tag azd-env-name.')
param environmentName string

@description('''The subscriptions to hear of: { id, existingTopic, existingTopicGroup, deadLetters }. All but the id may
be left out. Where a subscription has a system topic already, name it: Azure allows only one.''')
param subscriptions array = [{ id: subscription().subscriptionId }]

@description('The declared vaults: { id, location, existingTopic, deadLetters }. The last two may be left out.')
param vaults array = []

@description('Output APIMEND_FUNCTION_APP_ID of stage 1.')
param functionAppId string

@description('Output APIMEND_STORAGE_ID of stage 1.')
param storageId string

@description('Output APIMEND_EVENTS_IDENTITY_ID of stage 1.')
param eventsIdentityId string

@description('Output APIMEND_ACTION_GROUP_ID of stage 1. Empty: no alert on events that were not delivered.')
param actionGroupId string = ''

var tags = { 'azd-env-name': environmentName }
var vaultIds = map(vaults, vault => vault.id)

module heard 'modules/subscription-events.bicep' = [
  for item in subscriptions: {
    name: 'apimend-events-${uniqueString(item.id)}'
    scope: subscription(item.id)
    params: {
      location: location
      tags: tags
      existingTopic: item.?existingTopic ?? ''
      existingTopicGroup: item.?existingTopicGroup ?? ''
      deadLetters: item.?deadLetters ?? empty(item.?existingTopic ?? '')
      vaultIds: filter(vaultIds, id => startsWith(toLower(id), toLower('/subscriptions/${item.id}/')))
      functionAppId: functionAppId
      storageId: storageId
      eventsIdentityId: eventsIdentityId
      actionGroupId: actionGroupId
    }
  }
]

module certificates 'modules/vault-events.bicep' = [
  for item in vaults: {
    name: 'apimend-vault-events-${uniqueString(item.id)}'
    scope: resourceGroup(split(item.id, '/')[2], split(item.id, '/')[4])
    params: {
      location: item.location
      tags: tags
      vaultId: item.id
      existingTopic: item.?existingTopic ?? ''
      deadLetters: item.?deadLetters ?? empty(item.?existingTopic ?? '')
      functionAppId: functionAppId
      storageId: storageId
      eventsIdentityId: eventsIdentityId
    }
  }
]

output topicIds array = [for (item, position) in subscriptions: heard[position].outputs.topicId]
